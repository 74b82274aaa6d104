"""Set up .venv with everything pinned, once. Needs nothing but Python 3.11 or 3.12 and pip."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "timbre-setup"


def main() -> None:
    """Make .venv, install, mend torchaudio, and note what was installed."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 12):
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"error: Python {found} runs this, timbre needs 3.11 or 3.12: `make run PYTHON=python3.11`")
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    print("setup: installing into .venv (some minutes the first time)", flush=True)
    python = VENV / "bin" / "python"
    if not python.exists():
        venv.create(VENV, with_pip=True)
    install = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-c", "constraints.txt"]
    # torch alone first: a build for the CPU that is at hand is taken before others ask for one with CUDA.
    for what in (["torch"], ["--editable", ".[dev]"]):
        if subprocess.run([*install, *what], cwd=ROOT).returncode != 0:
            sys.exit(
                f"error: pip could not install {what[-1]}; see its message above, then run the same command again."
            )
    mend_torchaudio(python)
    STAMP.write_text(wanted)
    print("setup: done. To use dvc by hand: source .venv/bin/activate", flush=True)


def fingerprint() -> str:
    """What an installation depends on."""
    digest = hashlib.sha256(sys.version.encode() + str(ROOT).encode())
    for name in ("pyproject.toml", "constraints.txt", "tools/setup.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def mend_torchaudio(python: Path) -> None:
    """Remove torchaudio's compiled extensions where it does not import for them.

    Its Linux wheel links CUDA and fails beside a torch built for the CPU. Nothing that timbre calls lives in those
    extensions.
    """
    imports = [python, "-c", "import torchaudio"]
    if subprocess.run(imports, capture_output=True).returncode == 0:
        return
    where = "import importlib.util as u; print(u.find_spec('torchaudio').submodule_search_locations[0])"
    folder = Path(subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip())
    removed = sorted((folder / "lib").glob("*.so"))
    for library in removed:
        os.remove(library)
    if subprocess.run(imports).returncode != 0:
        sys.exit("error: torchaudio does not import; delete .venv and run the same command again.")
    print(
        f"setup: removed compiled extensions of torchaudio ({', '.join(path.name for path in removed)}): "
        "they need CUDA, this torch is for the CPU, and timbre does not call them",
        flush=True,
    )


if __name__ == "__main__":
    main()
