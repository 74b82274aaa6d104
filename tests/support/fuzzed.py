"""Damaged files, read as timbre reads them, in a process of its own: `python -m support.fuzzed`.

It takes a job a line, {"reader", "folder", "number"}, and answers with a line: what became of a copy of the folder in
which one file was damaged as the reader's name and the number say. A process of its own, since what reads a file may
crash or hang; whoever asked sees that no answer comes.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import traceback
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from support.damage import damaged, damaged_in_place, damaged_table, damaged_tree

from timbre.errors import UserError

# What a case may take: who asks for more was led to it by a damaged number.
MOST_BYTES = 12 << 30
LONGEST_MESSAGE = 20_000


@dataclass(frozen=True)
class Reader:
    """How timbre reads one kind of file, given the case's folder and the damaged file in it.

    names: patterns of the files that are damaged. makes: what it may write where all is well.
    """

    read: Callable[[Path, Path], None]
    names: tuple[str, ...]
    makes: str = ""


def read_audio(_folder: Path, path: Path) -> None:
    """A recording, as the audit takes it and as others do."""
    from timbre.audio.io import UnreadableError, header, read, read_part
    from timbre.audio.table import to_table
    from timbre.audit.measures import measure

    with contextlib.suppress(UnreadableError):
        samples, _ = read(path)
        assert len(samples) == header(path).samples
    with contextlib.suppress(UnreadableError):
        assert len(read_part(path, 1000, 500)[0]) == 500
    row = measure(path, path.name, -0.5)
    row.pop("sketch", None)
    to_table([row]).to_csv()
    if not row["readable"]:
        raise UserError(f"{row['file']} {row['reason']}")


def read_normalize(folder: Path, _path: Path) -> None:
    """The table of the audit and the recordings it tells of, as normalize reads them."""
    from timbre.normalize.run import run

    run(_params({"data": {"raw": str(folder / "raw")}}), folder / "files.csv", folder / "out")


def read_params(_folder: Path, path: Path) -> None:
    """params.yaml."""
    from timbre.params import load

    params = load(path)
    yaml.safe_dump(params.model_dump() | {"preset": params.preset.model_dump()})


def read_gate(folder: Path, path: Path) -> None:
    """audit.json, as the gate reads it."""
    from timbre.audit.gate import run

    run(_params({"audit": {"fail_on": ["never"]}}), path, folder / "gate.json")
    run(_params({}), path, folder / "gate.json")


def read_cache(folder: Path, _path: Path) -> None:
    """The cache, as training and evaluation read it."""
    import torch

    from timbre.cache.crops import Crops, CropShape
    from timbre.cache.resident import Resident
    from timbre.cache.store import Cache
    from timbre.evaluation.items import held_out_items

    cache = Cache(folder)
    for split in ("train", "validation"):
        crops = Crops(cache, split, CropShape(20, 6, 2), torch.device("cpu"))
        crops.batch(crops.spread(4))
        held = Resident(crops)
        held.full.wait()
        held.cut(crops.spread(4))
    held_out_items(folder / "manifest.json", folder)


def read_checkpoint(folder: Path, _path: Path) -> None:
    """The checkpoints of a run."""
    from timbre.training.checkpoint import load_checkpoint

    load_checkpoint(folder)


def read_weights(folder: Path, _path: Path) -> None:
    """A training folder."""
    import torch

    from timbre import models

    with torch.inference_mode():
        models.load(folder)(torch.zeros(1, 1, 2048))


def read_exported(folder: Path, path: Path) -> None:
    """An export with its model.json, as the evaluation and `timbre render` read it."""
    from timbre.evaluation.exported import load_exported
    from timbre.playing.render import render

    player = load_exported(folder).player
    render(player, np.full((player.channels, 1000), 0.1, np.float32), 512)
    if path.name != "model.json":
        read_played(folder, path)


def read_played(folder: Path, path: Path) -> None:
    """A file that hosts play, without a model.json, as `timbre render` reads it."""
    from timbre.playing.command import render_files

    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        skipped = render_files([folder / "voice.wav"], path, folder / "out", 512, [])
    if skipped:
        raise UserError(told.getvalue())


READERS = {
    "audio": Reader(read_audio, ("*",)),
    "normalize": Reader(read_normalize, ("files.csv", "files.csv", "raw/*"), makes="out"),
    "params": Reader(read_params, ("params.yaml",)),
    "gate": Reader(read_gate, ("audit.json",), makes="gate.json"),
    "cache": Reader(read_cache, ("manifest.json", "*.mdb")),
    "checkpoint": Reader(read_checkpoint, ("*.pt",)),
    "weights": Reader(read_weights, ("config.json", "weights.pt")),
    "exported": Reader(read_exported, ("model.json", "model.json", "model.*"), makes="out"),
    "played": Reader(read_played, ("model.ts", "model.nm", "model.onnx"), makes="out"),
}


def judged(name: str, sound: Path, number: int | None) -> dict:
    """What becomes of one case: `outcome` works, told or broken; `said`, the message or what is wrong; the `file`.

    Without a number nothing is damaged.
    """
    reader, draw = READERS[name], random.Random(f"{name} {number}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "case"
        shutil.copytree(sound, folder)
        path = draw.choice(sorted(folder.glob(draw.choice(reader.names))))
        if number is not None:
            _wound(path, draw)
        before = _content(folder)
        outcome, said = _outcome(lambda: reader.read(folder, path), folder)
        after = _content(folder)
        if outcome == "works" and reader.makes:
            before, after = ({key: one for key, one in all_.items() if key.split("/")[0] != reader.makes}
                             for all_ in (before, after))  # fmt: skip
        if outcome != "broken" and before != after:
            changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
            outcome, said = "broken", f"what was there has changed: {changed}"
    return {"outcome": outcome, "said": said, "file": path.relative_to(folder).as_posix()}


def _outcome(read: Callable[[], None], folder: Path) -> tuple[str, str]:
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            read()
    except UserError as error:
        said = str(error)
        names = {path.name for path in folder.rglob("*")} | {str(folder)}
        if not any(name in said for name in names):
            return "broken", f"a message that names no file: {said}"
        if len(said) > LONGEST_MESSAGE:
            return "broken", f"a message of {len(said)} characters"
        return "told", said
    except BaseException:
        return "broken", traceback.format_exc(limit=-12)
    return "works", ""


def _wound(path: Path, draw: random.Random) -> None:
    content = wounded(path, draw)
    path.unlink()
    path.write_bytes(content)
    if path.suffix == ".mdb" and draw.random() < 0.3:  # as a program would that copied half and described that
        manifest = path.with_name("manifest.json")
        told = json.loads(manifest.read_bytes())
        told["shards"][0]["bytes"] = len(content)
        manifest.write_text(json.dumps(told))


def wounded(path: Path, draw: random.Random) -> bytes:
    """The content of a file with damage that suits its kind."""
    content = path.read_bytes()
    if draw.random() < 0.4 and path.suffix != ".onnx":
        return damaged(content, draw)
    match path.suffix:
        case ".json":
            return json.dumps(damaged_tree(json.loads(content), draw)).encode()
        case ".yaml":
            return _wounded_yaml(content.decode(), draw)
        case ".csv":
            return damaged_table(content.decode(), draw).encode("utf-8", "surrogatepass")
        case ".mdb":
            return damaged_in_place(content, draw)
        case ".pt" | ".ts" | ".nm":
            return _resealed(content, draw)
    return damaged(content, draw)


def _resealed(content: bytes, draw: random.Random) -> bytes:
    """An archive with damage in one of its records, and check sums that fit."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(made, "w") as other:
        chosen = draw.choice(archive.namelist())
        for name in archive.namelist():
            record = archive.read(name)
            other.writestr(name, damaged(record, draw) if name == chosen else record)
    return made.getvalue()


BOMB = "\n".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 9)}]" for n in range(1, 30))
SNIPPETS = (
    f"k0: &k0 [x]\n{BOMB}\n", "a: &a [*a]\n", "a: &a {b: *a}\n", "<<: {size: tiny}\n", "<<: [1]\n", "size: &s tiny\n",
    "model: *nothing\n", 'x: !!python/object/apply:os.system ["true"]\n', "seed: !!binary aGVsbG8=\n", "seed: !x 1\n",
    "seed: 2026-13-45\n", "seed: 9999-12-31T23:59:59+99:99\n", f"seed: {'9' * 5000}\n", f"seed: 0x{'f' * 9000}\n",
    "seed: 1_0\n", "seed: 190:20:30\n", "seed: 0b\n", "seed: .inf\n", "seed: !!int x\n", "seed: !!float {}\n",
    "? [a, b]\n: c\n", "? {a: b}\n: c\n", "1: x\n", f"? 0x{'f' * 9000}\n: x\n", "null: x\n", "2026-01-01: x\n",
    "---\nmodel: ddsp\n", "%YAML 9.9\n---\n",
    f"x: {'[' * 600}\n", f"x: {'[' * 300 + ']' * 300}\n", f"{'- ' * 2000}x\n", "\t\n", "\ufeff", "model: \"\\0\"\n",
    "data: {raw: \"a\\0b\"}\n", "x: \"\\ud800\"\n", "x: '\n", "seed: !!timestamp x\n", "seed: !!bool x\n",
    "!!set {a, b}\n",
    f"{'x' * 100000}: 1\n", f"model: {'x' * 100000}\n", "export: [1, 2]\n", "features:\n", "sizes: 3\n",
)  # fmt: skip


def _wounded_yaml(text: str, draw: random.Random) -> bytes:
    if draw.random() < 0.5:
        return yaml.dump(damaged_tree(yaml.safe_load(text), draw), allow_unicode=True).encode("utf-8", "surrogatepass")
    lines = text.splitlines(keepends=True)
    for _ in range(draw.randint(1, 2)):
        at = draw.randrange(len(lines))
        new = draw.choice(SNIPPETS)
        match draw.randrange(3):
            case 0:
                lines.insert(at, new)
            case 1:
                indent = " " * draw.choice((0, 2, 4))
                lines.insert(at, "".join(indent + line for line in new.splitlines(keepends=True)))
            case _:
                lines[at] = lines[at].split(":")[0] + ": " + new.partition(": ")[2]
    return "".join(lines).encode("utf-8", "surrogatepass")


@functools.cache
def _shipped() -> dict:
    return yaml.safe_load((Path(__file__).resolve().parents[2] / "params.yaml").read_text())


def _params(changes: dict[str, dict]) -> object:
    """The project's parameters with some keys changed."""
    from timbre.params import parse

    raw = copy.deepcopy(_shipped())
    for section, values in changes.items():
        raw[section] |= values
    return parse(raw)


def _content(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def main() -> None:
    """Answer jobs until there are no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    for line in sys.stdin:
        job = json.loads(line)
        answers.write(json.dumps(judged(job["reader"], Path(job["folder"]), job["number"])) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
