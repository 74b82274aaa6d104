"""The device: a matter of the machine (environment variables), never of params.yaml."""

from __future__ import annotations

import os

import psutil
import torch
from lightning_fabric import Fabric

from timbre.errors import UserError


def launch_fabric() -> Fabric:
    """Lightning Fabric on the device that TIMBRE_DEVICE names (auto, cpu, cuda), set to deterministic algorithms.

    Raises: UserError where there is no such device.
    """
    name = os.environ.get("TIMBRE_DEVICE", "auto")
    if name not in ("auto", "cpu", "cuda"):
        raise UserError(f"TIMBRE_DEVICE={name} (environment) is not legal. Legal: auto, cpu, cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("TIMBRE_DEVICE=cuda, but this torch sees no CUDA device. Write cpu or auto.")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    # Not Fabric's "auto", which would take Apple's GPU: it has no double precision, which the oscillators' phase needs.
    fabric = Fabric(accelerator="cuda" if name != "cpu" and torch.cuda.is_available() else "cpu", devices=1)
    fabric.launch()
    return fabric


def describe_device(fabric: Fabric) -> str:
    """The device in words, for the user."""
    if fabric.device.type == "cuda":
        return torch.cuda.get_device_name(fabric.device)
    return f"{fabric.device.type}, {torch.get_num_threads()} threads"


def resident_bytes(fabric: Fabric) -> float:
    """How much of the cache may be held on the device: half of what is free."""
    if fabric.device.type == "cuda":
        return 0.5 * torch.cuda.mem_get_info(fabric.device)[0]
    return 0.5 * psutil.virtual_memory().available
