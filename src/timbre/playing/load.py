"""From the name of an exported file to its player."""

from __future__ import annotations

from pathlib import Path

from timbre.errors import UserError
from timbre.playing.description import read_checked
from timbre.playing.player import Player

SUFFIXES = (".ts", ".nm", ".onnx")


def load_player(path: Path) -> Player:
    """Load model.ts, model_int8.ts, model.nm or model.onnx, by its ending, if it is what a model.json beside it says.

    Raises: UserError where there is no such file, its ending is none of these, it is not the file that the model.json
    tells of (then nothing of it has run), or it is not what the ending says.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        hint = " Give one of the files in it." if path.is_dir() else ""
        raise UserError(f"{path} is no exported model: these end in {', '.join(SUFFIXES)}.{hint}")
    if not path.is_file():
        raise UserError(f"{path} is missing. `dvc repro` makes the files of models/export that export.targets names.")
    content, checked = read_checked(path)
    player = _loaded(path, suffix, content)
    player.require_playable()
    player.checked = checked
    return player


def _loaded(path: Path, suffix: str, content: bytes) -> Player:
    if suffix == ".onnx":
        from timbre.playing.onnx import load_onnx

        return load_onnx(path, content)
    if suffix == ".nm":
        from timbre.playing.neutone import load_neutone

        return load_neutone(path, content)
    from timbre.playing.torchscript import load_torchscript

    return load_torchscript(path, content)
