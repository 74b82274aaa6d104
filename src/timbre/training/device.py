"""Devices and processes: a matter of the machine (environment variables), never of params.yaml."""

from __future__ import annotations

import os
import sys
import time

import torch
from filelock import FileLock, Timeout
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy

from timbre.errors import UserError, reason
from timbre.files import checkpoints_root
from timbre.training.team import end_with_parent

# Between two looks for a GPU that is free.
WAIT_SECONDS = 1.0
# Locks of GPUs, to the end of this process.
_held: list[FileLock] = []


def launch_fabric() -> Fabric:
    """Lightning Fabric on the devices that the environment names, set to deterministic algorithms.

    TIMBRE_DEVICE: auto, cpu or cuda. TIMBRE_DEVICES: processes on this machine, one for each GPU, or all; TIMBRE_NODES:
    machines; both are 1 by default, or what torchrun or Slurm's srun have started. The first process starts the others
    of its machine, unless one of these has.
    Raises: UserError where there is no such device, or the numbers do not fit.
    """
    name = os.environ.get("TIMBRE_DEVICE", "auto")
    if name not in ("auto", "cpu", "cuda"):
        raise UserError(f"TIMBRE_DEVICE={name} (environment) is not legal. Legal: auto, cpu, cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("TIMBRE_DEVICE=cuda, but this torch sees no CUDA device. Write cpu or auto.")
    # Not Fabric's "auto", which would take Apple's GPU: it has no double precision, which the oscillators' phase needs.
    accelerator = "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"
    devices, nodes = _processes(accelerator)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    # What hosts tell each other goes by gloo, and waits for no GPU.
    together = DDPStrategy(process_group_backend="cpu:gloo,cuda:nccl" if accelerator == "cuda" else "gloo")
    started = _is_started_by_another()
    try:
        strategy = together if devices * nodes > 1 else "auto"
        chosen = [_free_gpu()] if accelerator == "cuda" and devices * nodes == 1 else devices
        fabric = Fabric(accelerator=accelerator, strategy=strategy, devices=chosen, num_nodes=nodes)
        fabric.launch()
    except (ValueError, RuntimeError) as error:
        raise UserError(
            f"{devices} processes on each of {nodes} machines do not start: {reason(error)} See TIMBRE_DEVICES and "
            "TIMBRE_NODES in docs/training.md."
        ) from None
    if started:
        end_with_parent()
    if fabric.global_rank > 0:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - to the end of the process; the first speaks for all
    return fabric


def describe_device(fabric: Fabric) -> str:
    """The devices in words, for the user."""
    one = f"{fabric.device.type}, {torch.get_num_threads()} threads"
    if fabric.device.type == "cuda":
        one = torch.cuda.get_device_name(fabric.device)
    return one if fabric.world_size == 1 else f"{fabric.world_size} processes ({one} each)"


def room_bytes(device: torch.device) -> float:
    """How much of the cache a device may hold: half of a GPU's free memory.

    None of the host's: there the system keeps what is read in memory anyway, and crops are as quickly read as cut.
    """
    return 0.5 * torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0.0


def _processes(accelerator: str) -> tuple[int, int]:
    """Processes on each machine, and machines."""
    environment = os.environ
    devices = nodes = 1
    if "TORCHELASTIC_RUN_ID" in environment:
        devices = int(environment["LOCAL_WORLD_SIZE"])
        nodes = int(environment["WORLD_SIZE"]) // devices
    elif "SLURM_NTASKS_PER_NODE" in environment and int(environment.get("SLURM_NTASKS", "1")) > 1:
        devices = int(environment["SLURM_NTASKS_PER_NODE"])
        nodes = int(environment.get("SLURM_NNODES", "1"))
    if environment.get("TIMBRE_DEVICES") == "all":
        devices = torch.cuda.device_count() if accelerator == "cuda" else 1
    else:
        devices = _count("TIMBRE_DEVICES", devices, "or all")
    nodes = _count("TIMBRE_NODES", nodes, "machines")
    there = torch.cuda.device_count()
    if accelerator == "cuda" and devices > there:
        raise UserError(f"TIMBRE_DEVICES={devices}, but this machine has {there} CUDA devices. Write {there} or less.")
    return devices, nodes


def _free_gpu() -> int:
    """A GPU on which no other training of this user works, so that the tasks of a queue spread out by themselves.

    Where there is but one, that; where all are taken, this waits for the first that is let go. Whoever ends, however
    that comes about, lets go.
    """
    there = torch.cuda.device_count()
    if there == 1:
        return 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    names = visible if len(visible) == there else [str(index) for index in range(there)]
    checkpoints_root().mkdir(parents=True, exist_ok=True)
    told = False
    while True:
        for index, name in enumerate(names):
            lock = FileLock(checkpoints_root() / f"gpu-{name}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            _held.append(lock)
            return index
        if not told:
            print(f"train: waits, since other trainings work on all {there} GPUs", flush=True)
            told = True
        time.sleep(WAIT_SECONDS)


def _count(name: str, default: int, unit: str) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"{name}={text} (environment) is not legal. Write a number from 1 on, {unit}.")
    return int(text)


def _is_started_by_another() -> bool:
    """Whether Fabric's launcher in the first process of this machine has started this one."""
    return "TORCHELASTIC_RUN_ID" not in os.environ and os.environ.get("LOCAL_RANK", "0") != "0"
