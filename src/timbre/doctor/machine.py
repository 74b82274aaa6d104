"""Python, packages, processor, memory and disk."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import psutil

from timbre.doctor.finding import FAULT, OK, WARNING, Finding
from timbre.sharing.amounts import in_bytes

PYTHON = ((3, 11), (3, 12))
GB = 10**9
MEMORY_BYTES = 2 * GB
DISK_BYTES, DISK_LEAST_BYTES = 10 * GB, 1 * GB
SMI_SECONDS = 3.0
AGAIN = "`make setup` installs what constraints.txt pins"


def python() -> Iterator[Finding]:
    """The interpreter's version."""
    found = ".".join(map(str, sys.version_info[:3]))
    fit = PYTHON[0] <= sys.version_info[:2] <= PYTHON[1]
    mend = "" if fit else "timbre needs 3.11 or 3.12: `make clean`, then `make run PYTHON=python3.11`"
    yield Finding(OK if fit else FAULT, "Python", f"{found}, {sys.executable}", mend)


def packages(root: Path) -> Iterator[Finding]:
    """What timbre asks for is installed, in the versions that it was tested with."""
    missing, other = [], []
    pins = constraints(root)
    for name in required():
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        pinned = pins.get(name.lower())
        # A build's mark (2.13.0+cpu) is no other version.
        if pinned and version.partition("+")[0] != pinned:
            other.append(f"{name} {version} (tested with {pinned})")
    if missing:
        yield Finding(FAULT, "packages", f"not installed: {', '.join(missing)}", AGAIN)
    elif other:
        yield Finding(WARNING, "packages", ", ".join(other), AGAIN)
    else:
        yield Finding(OK, "packages", "all there, in the versions of constraints.txt")


def required() -> list[str]:
    """Names of the packages that timbre cannot do without, as its metadata has them."""
    found = [line for line in metadata.requires("timbre") or [] if "extra ==" not in line]
    return [re.match(r"[\w.-]+", line)[0] for line in found]


def constraints(root: Path) -> dict[str, str]:
    """Versions by name, from constraints.txt; empty where there is none."""
    path = root / "constraints.txt"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return {name.lower(): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}


def torch_build() -> Iterator[Finding]:
    """The build of torch against the graphics processor that is there; torch itself takes seconds to load."""
    spec = importlib.util.find_spec("torch")
    if spec is None:
        return  # told by `packages`
    source = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    cuda = re.search(r"^cuda[^=]*= *'([\d.]+)'", source, re.MULTILINE)
    build = f"{metadata.version('torch')}, built for {'CUDA ' + cuda[1] if cuda else 'the CPU'}"
    cards = graphics()
    if cards and not cuda:
        yield Finding(
            WARNING,
            "torch",
            f"{build}, and there is a GPU that it cannot use",
            "install a build of the same version for CUDA into .venv, as PyTorch's own page says",
        )
    else:
        yield Finding(OK, "torch", build)
    yield from _torchaudio(bool(cuda))
    if cards:
        yield Finding(OK, "GPU", "; ".join(cards))
    elif cuda:
        yield Finding(
            WARNING,
            "GPU",
            "nvidia-smi names none, so the CPU trains",
            "install NVIDIA's driver if there is one; within a container, hand it in (`--gpus all`)",
        )
    else:
        yield Finding(OK, "GPU", "none; the CPU trains `tiny` in minutes and `small` in hours")


def graphics() -> list[str]:
    """Name and memory of each NVIDIA GPU; AMD's and Apple's are not looked for."""
    if not shutil.which("nvidia-smi"):
        return []
    asked = ["nvidia-smi", "--query-gpu=name,memory.free,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=SMI_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return []
    cards = [[part.strip() for part in line.split(",")] for line in done.stdout.splitlines() if done.returncode == 0]
    return [f"{card[0]}, {card[1]} of {card[2]} MiB free" for card in cards if len(card) == 3]


def _torchaudio(cuda: bool) -> Iterator[Finding]:
    """torchaudio's Linux wheel links CUDA, and beside a torch without it does not load."""
    if "torchaudio" not in required():
        return
    spec = importlib.util.find_spec("torchaudio")
    if spec is None:
        return  # told by `packages`
    compiled = sorted((Path(spec.origin).parent / "lib").glob("*.so"))
    if compiled and not cuda:
        yield Finding(
            FAULT,
            "torchaudio",
            "its compiled parts need CUDA, and torch is built for the CPU",
            f"`make setup` removes them (timbre does not call them): {compiled[0].parent}/*.so",
        )
    else:
        yield Finding(OK, "torchaudio", f"{metadata.version('torchaudio')}, for the pictures of the reports")


def memory() -> Iterator[Finding]:
    """Memory that is free, and cores."""
    found = psutil.virtual_memory()
    short = found.available < MEMORY_BYTES
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding(
        WARNING if short else OK,
        "memory",
        f"{in_bytes(found.available)} of {in_bytes(found.total)} free, {cores} cores",
        "close other programs, or choose a smaller size or batch" if short else "",
    )


def disk(places: dict[str, Path]) -> Iterator[Finding]:
    """Space where the workspace, DVC's cache and checkpoints lie; one line for each disk."""
    disks: dict[int, tuple[list[str], Path]] = {}
    for name, path in places.items():
        there = next(each for each in (path, *path.parents) if each.exists())
        disks.setdefault(there.stat().st_dev, ([], there))[0].append(name)
    for names, path in disks.values():
        free = shutil.disk_usage(path).free
        state = FAULT if free < DISK_LEAST_BYTES else WARNING if free < DISK_BYTES else OK
        drop = "`dvc gc --all-branches --all-tags --all-experiments` drops what none uses (not in a shared cache)"
        mend = drop if state != OK else ""
        yield Finding(state, "disk", f"{in_bytes(free)} free for {', '.join(names)}", mend)
