"""What torch's ONNX exporter lacks at opset 17, written in operators that are there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from torch.onnx import symbolic_helper

# Bits of the digits that integers are taken apart into for bitwise operations, and how many of them are looked at.
DIGIT_BITS = 6
DIGITS = 3


def _constant(g, value: object, dtype: torch.dtype = torch.int64):
    return g.op("Constant", value_t=torch.as_tensor(value, dtype=dtype))


def _is_bool(value) -> bool:
    return value.type().scalarType() == "Bool"


def _and(g, a, b):
    """Of booleans, or of an integer and a constant 2^k - 1: a remainder, which is not negative."""
    if _is_bool(a):
        return g.op("And", a, b)
    mask = int(symbolic_helper._get_const(b, "t", "mask"))
    assert mask & (mask + 1) == 0
    return g.op("Mod", a, _constant(g, mask + 1))


def _right_shift(g, a, shift):
    """Of an integer that is not negative."""
    places = int(symbolic_helper._get_const(shift, "t", "shift"))
    return g.op("Div", a, _constant(g, 1 << places))


def _xor(g, a, b):
    """h ^ (h >> shift) of words of 32 bits, as h + (h >> shift) - 2 (h & (h >> shift)).

    The bitwise and of digits of six bits stands in a table; three of them are enough for shifts from 14 on.
    """
    places = symbolic_helper._get_const(list(b.node().inputs())[1], "t", "shift")
    shift = int(places).bit_length() - 1
    assert next(b.node().inputs()) == a and 32 - shift <= DIGITS * DIGIT_BITS
    size = 1 << DIGIT_BITS
    own = size ** np.arange(DIGITS)
    divisors = np.concatenate([own, own << shift])
    digits = g.op("Div", g.op("Unsqueeze", a, _constant(g, [-1])), _constant(g, divisors))
    digits = g.op("Mod", digits, _constant(g, size))
    both = np.concatenate([size * np.eye(DIGITS), np.eye(DIGITS)])
    row = g.op("MatMul", digits, _constant(g, both))
    table = np.arange(size)[:, None] & np.arange(size)
    ands = g.op("Gather", _constant(g, table.ravel()), row)
    return g.op("Sub", g.op("Add", a, b), g.op("MatMul", ands, _constant(g, 2 * own)))


def _frac(g, x):
    """Of what is not negative."""
    return g.op("Sub", x, g.op("Floor", x))


def _exp2(g, x):
    dtype = torch.float64 if x.type().scalarType() == "Double" else torch.float32
    return g.op("Pow", _constant(g, 2.0, dtype), x)


@symbolic_helper.parse_args("v", "i", "i", "i")
def _unfold(g, x, dimension, size, step):
    """Windows as slices."""
    sizes = symbolic_helper._get_tensor_sizes(x)
    rank = len(sizes)
    dimension %= rank
    starts = range(0, sizes[dimension] - size + 1, step)
    axis = _constant(g, [dimension])
    windows = [
        g.op("Unsqueeze", g.op("Slice", x, _constant(g, [start]), _constant(g, [start + size]), axis), axis)
        for start in starts
    ]
    joined = windows[0] if len(windows) == 1 else g.op("Concat", *windows, axis_i=dimension)
    order = [*range(dimension + 1), *range(dimension + 2, rank + 1), dimension + 1]
    return joined if order == list(range(rank + 1)) else g.op("Transpose", joined, perm_i=order)


@symbolic_helper.parse_args("v", "i")
def _cummax(g, x, dimension):
    """Values alone, in log2 steps: the maximum with the one before, with the two before, with the four before."""
    size = symbolic_helper._get_tensor_sizes(x)[dimension]
    axis, reach = _constant(g, [dimension]), 1
    while reach < size:
        head = g.op("Slice", x, _constant(g, [0]), _constant(g, [reach]), axis)
        before = g.op("Slice", x, _constant(g, [0]), _constant(g, [size - reach]), axis)
        own = g.op("Slice", x, _constant(g, [reach]), _constant(g, [size]), axis)
        x = g.op("Concat", head, g.op("Max", before, own), axis_i=dimension)
        reach *= 2
    return x, x


@symbolic_helper.parse_args("v", "is", "s", "v")
def _pad(g, x, amounts, mode, value):
    """With zeros; torch's own leaves the shape to be found out when it runs."""
    rank = len(symbolic_helper._get_tensor_sizes(x))
    before, after = np.zeros(rank, dtype=np.int64), np.zeros(rank, dtype=np.int64)
    for axis, (left, right) in enumerate(zip(amounts[::2], amounts[1::2], strict=True)):
        before[rank - 1 - axis], after[rank - 1 - axis] = left, right
    return g.op("Pad", x, _constant(g, np.concatenate([before, after])), mode_s=mode)


def _pairs(g, real, imaginary):
    """A complex value: real numbers in pairs."""
    last = _constant(g, [-1])
    return g.op("Concat", g.op("Unsqueeze", real, last), g.op("Unsqueeze", imaginary, last), axis_i=-1)


def _real(g, x):
    return g.op("Gather", x, _constant(g, 0), axis_i=-1)


def _imaginary(g, x):
    return g.op("Gather", x, _constant(g, 1), axis_i=-1)


def _as_real(g, x):
    return g.op("Identity", x)


@symbolic_helper.parse_args("v", "i", "i", "s")
def _rfft(g, x, size, dimension, norm):
    """Over the last axis, as pairs."""
    size = size or symbolic_helper._get_tensor_sizes(x)[-1]
    column = g.op("Unsqueeze", x, _constant(g, [-1]))
    return g.op("DFT", column, _constant(g, size), axis_i=-2, onesided_i=1)


@symbolic_helper.parse_args("v", "i", "i", "s")
def _irfft(g, x, size, dimension, norm):
    """Over the last axis, of a real spectrum or of pairs.

    The real part of the inverse transform of half the spectrum, all of it doubled but its ends: the other half is the
    conjugate of this one.
    """
    weights = torch.full([size // 2 + 1, 1], 2.0)
    weights[0] = weights[-1] = 1.0
    kind = x.type().scalarType()
    # Of pairs the exporter knows either that they are complex or that they are two.
    is_pairs = kind.startswith("Complex") or symbolic_helper._get_tensor_sizes(x)[-1] == 2
    column = x if is_pairs else g.op("Unsqueeze", x, _constant(g, [-1]))
    dtype = torch.float64 if kind.endswith("Double") else torch.float32
    weighted = g.op("Mul", column, _constant(g, weights, dtype))
    return _real(g, g.op("DFT", weighted, _constant(g, size), axis_i=-2, inverse_i=1))


@contextlib.contextmanager
def missing_operators(opset: int) -> Iterator[None]:
    """Let torch's exporter use the operators of this module."""
    operators = {
        "aten::__and_": _and,
        "aten::bitwise_and": _and,
        "aten::__rshift_": _right_shift,
        "aten::__xor_": _xor,
        "aten::frac": _frac,
        "aten::unfold": _unfold,
        "aten::cummax": _cummax,
        "aten::exp2": _exp2,
        "aten::pad": _pad,
        "aten::complex": _pairs,
        "aten::real": _real,
        "aten::imag": _imaginary,
        "aten::view_as_real": _as_real,
        "aten::fft_rfft": _rfft,
        "aten::fft_irfft": _irfft,
    }
    for name, operator in operators.items():
        torch.onnx.register_custom_op_symbolic(name, operator, opset)
    try:
        yield
    finally:
        for name in operators:
            torch.onnx.unregister_custom_op_symbolic(name, opset)
