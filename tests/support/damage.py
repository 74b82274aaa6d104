"""Damage by chance, of bytes, of trees of keys and values, and of tables: the same for the same draw."""

from __future__ import annotations

import copy
import random
import struct

MOST_WOUNDS = 3
# Where formats keep what says how to read the rest.
ENDS_BYTES = 600
# Numbers at the borders of what fields hold.
BORDERS = (0, 1, 2, 127, 128, 255, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
FOREIGN = (b"", b"\0", b"RIFF", b"PK\x03\x04", b"\x80\x02.", b"version https://git-lfs.github.com/spec/v1\n", b"<html>")
NUMBERS = (0, -1, 1, 3, 2**31, -(2**63), 2**63, 10**400, 0.5, -0.0, 1e308, -1e308, 5e-324, float("nan"), float("inf"))
TEXTS = (
    "", " ", "\0", "a\0b", "..", "../outside", "/dev/null", "a/../../b", "C:\\x", "nan", "null", "1", "true", "\ufeff",
    "\u202e", "e\u0301", "🎻", "\ud800", "x" * 5000, "=1+1", "a,b", 'a"b', "a\nb", "a\r\nb", "%s%n{}", "é/ü",
)  # fmt: skip


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Bytes with one to three wounds."""
    for _ in range(draw.randint(1, MOST_WOUNDS)):
        content = draw.choice(WOUNDS)(content, draw)
    return content


def _place(content: bytes, draw: random.Random) -> int:
    """Anywhere, more often near the ends."""
    size = len(content)
    near = min(size, ENDS_BYTES)
    return draw.choice((draw.randint(0, size), draw.randint(0, near), size - draw.randint(0, near)))


def _stretch(content: bytes, draw: random.Random) -> tuple[int, int]:
    start = _place(content, draw)
    return start, min(len(content), start + round(2 ** draw.uniform(0.0, 13.0)))


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: _place(content, draw)]


def _cut_at_page(content: bytes, draw: random.Random) -> bytes:
    return content[: 4096 * draw.randint(0, len(content) // 4096)]


def _behead(content: bytes, draw: random.Random) -> bytes:
    return content[_place(content, draw) :]


def _flip_bits(content: bytes, draw: random.Random) -> bytes:
    flipped = bytearray(content)
    for _ in range(draw.randint(1, 8) if content else 0):
        flipped[min(_place(content, draw), len(content) - 1)] ^= 1 << draw.randrange(8)
    return bytes(flipped)


def _overwrite(content: bytes, draw: random.Random) -> bytes:
    start, end = _stretch(content, draw)
    new = draw.choice((b"\0" * (end - start), b"\xff" * (end - start), draw.randbytes(end - start)))
    return content[:start] + new + content[end:]


def _border(content: bytes, draw: random.Random) -> bytes:
    form = draw.choice("BHIQ")
    size = struct.calcsize(form)
    at = _place(content, draw)
    number = draw.choice(BORDERS) & (256**size - 1)
    return content[:at] + struct.pack(draw.choice("<>") + form, number) + content[at + size :]


def _drop(content: bytes, draw: random.Random) -> bytes:
    start, end = _stretch(content, draw)
    return content[:start] + content[end:]


def _double(content: bytes, draw: random.Random) -> bytes:
    start, end = _stretch(content, draw)
    return content[:end] + content[start:end] + content[end:]


def _move(content: bytes, draw: random.Random) -> bytes:
    start, end = _stretch(content, draw)
    rest = content[:start] + content[end:]
    at = _place(rest, draw)
    return rest[:at] + content[start:end] + rest[at:]


def _extend(content: bytes, draw: random.Random) -> bytes:
    return content + draw.choice((draw.randbytes(draw.randint(1, 5000)), b"\0" * draw.randint(1, 5000), content))


def _replace(content: bytes, draw: random.Random) -> bytes:
    return draw.choice(FOREIGN) + draw.choice((b"", content))


WOUNDS = (
    _cut, _cut_at_page, _behead, _flip_bits, _flip_bits, _flip_bits, _overwrite, _overwrite, _border, _border, _border,
    _drop, _double, _move, _extend, _replace,
)  # fmt: skip


def damaged_in_place(content: bytes, draw: random.Random) -> bytes:
    """As `damaged`, of the same length."""
    for _ in range(draw.randint(1, MOST_WOUNDS)):
        content = draw.choice((_flip_bits, _overwrite, _border))(content, draw)[: len(content)]
    return content


def damaged_tree(tree: object, draw: random.Random, values: tuple = NUMBERS + TEXTS) -> object:
    """A copy of what JSON or YAML holds with one to three wounds: keys lost, renamed or new, values of another kind.

    values: those that take the place of others, besides empty and nested ones.
    """
    tree = copy.deepcopy(tree)
    for _ in range(draw.randint(1, MOST_WOUNDS)):
        places = [*_places(tree)]
        if not places or draw.random() < 0.03:
            return strange(draw, values)
        holder, key = draw.choice(places)
        _wound(holder, key, draw, values)
    return tree


def strange(draw: random.Random, values: tuple = NUMBERS + TEXTS) -> object:
    """A value that is likely not to be legal."""
    value = draw.choice(draw.choice((values, (None, True, False, [], {}, [[]], {"": {}}))))
    return draw.choice((value, value, value, [value], {"key": value}, [value] * 50))


def _places(tree: object) -> list[tuple]:
    """Every container below a tree with each of its keys, or indices."""
    found = []
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else []
    for key in keys:
        found.append((tree, key))
        found += _places(tree[key])
    return found


def _wound(holder: dict | list, key: object, draw: random.Random, values: tuple) -> None:
    value = holder[key]
    match draw.randrange(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            del holder[key]
            holder[draw.choice((f"{key}x", key[:-1], key.upper(), *TEXTS))] = value
        case 1:
            holder.insert(key, value)
        case 2 if isinstance(holder, dict):
            holder[draw.choice(TEXTS)] = strange(draw, values)
        case 3:
            holder[key] = draw.choice(([value], {"key": value}, str(value)))
        case 4 if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
            holder[key] = draw.choice((-value, value + 1, value - 1, value * 1000, value / 3, float(value), int(value)))
        case 5 if isinstance(value, str) and value:
            at = draw.randrange(len(value))
            holder[key] = draw.choice((value[:at], value[:at] + draw.choice(TEXTS) + value[at:], value.upper()))
        case _:
            holder[key] = strange(draw, values)


def damaged_table(text: str, draw: random.Random) -> str:
    """A CSV with one to three cells, rows or columns that are lost, doubled or strange."""
    rows = [line.split(",") for line in text.splitlines()]
    for _ in range(draw.randint(1, MOST_WOUNDS)):
        if not rows:
            break
        row = draw.choice(rows)
        column = draw.randrange(len(rows[0]) or 1)
        match draw.randrange(8):
            case 0:
                rows.remove(row)
            case 1:
                rows.append(list(row))
            case 2:
                rows = [cells[:column] + cells[column + 1 :] for cells in rows]
            case 3:
                rows = [[*cells[:column], *cells[column : column + 1], *cells[column:]] for cells in rows]
            case 4:
                row.insert(column, draw.choice(TEXTS))
            case _:
                value = str(draw.choice(NUMBERS + TEXTS))
                row[column : column + 1] = [draw.choice((value, "", f'"{value}"'))]
    return "\n".join(",".join(row) for row in rows) + "\n"
