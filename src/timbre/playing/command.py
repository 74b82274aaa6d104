"""`timbre render`: sound files through an exported model."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

from timbre.audio.channels import to_channels
from timbre.audio.io import (
    SUFFIXES,
    UnreadableError,
    as_text,
    blocks,
    find_foreign,
    find_sounds,
    header,
    write_wav_blocks,
)
from timbre.audio.loudness import decibels
from timbre.audio.resample import resample_blocks
from timbre.audio.table import counted
from timbre.errors import UserError
from timbre.playing.load import load_player
from timbre.playing.player import Player, host_block
from timbre.playing.render import play
from timbre.progress import sound_progress


@dataclass(frozen=True)
class Sound:
    """A sound file, the folder that was given for it (its own where it was named itself), and its length."""

    path: Path
    folder: Path
    seconds: float


@dataclass(frozen=True)
class Rendered:
    """A file that was made: its name, its length, highest absolute sample, and libsndfile's coding."""

    name: str
    seconds: float
    peak: float
    coding: str


def render_files(inputs: list[Path], model: Path, target: Path, block_samples: int, settings: list[str]) -> int:
    """Play every sound of files and folders through a model and write each as a WAV file below `target`.

    settings: `control=value`. Each file is told of as it is made or skipped, and all of them in the last line.
    Returns: how many were skipped.
    Raises: UserError where the model or a setting is not legal, or an output would take the place of an input.
    """
    player = load_player(model)
    for setting in settings:
        _set(player, setting)
    sounds, skipped = _gather(inputs, target)
    names = output_names(sounds)
    _keep_inputs([sound.path for sound in sounds], [target / name for name in names])
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"-o {target} cannot be a folder ({error.strerror}). Name another.") from None
    block = host_block(player, block_samples)
    player.set_block(block)
    if not player.checked:
        print(
            f"render: no model.json beside {as_text(str(model))} tells of it, so that nobody can say whether it is the "
            "file that was exported. It is a program: play it if you trust who made it.",
            file=sys.stderr,
        )
    print(f"render: {_told(player)}, blocks of {block}. Inputs are converted to that, outputs stay so.", flush=True)
    for path, why in skipped:
        print(_skipped_told(path, why), file=sys.stderr)
    begin = time.perf_counter()
    made = _render_all(player, sounds, [target / name for name in names], block) if sounds else []
    left = len(skipped) + len(sounds) - len(made)
    print(f"render: {_summary(made, target, player, time.perf_counter() - begin, left)}")
    return left


def _render_all(player: Player, sounds: list[Sound], outputs: list[Path], block: int) -> list[Rendered]:
    """Play each sound, and tell of each as it is done."""
    made = []
    with sound_progress(sum(sound.seconds for sound in sounds), "rendering") as bar:

        def advance(samples: int) -> None:
            bar.update(min(samples / player.sample_rate_hz, bar.total - bar.n))

        for sound, output in zip(sounds, outputs, strict=True):
            began = time.perf_counter()
            try:
                done = _render(player, sound, output, block, advance)
            except (UnreadableError, UserError, OSError) as error:
                bar.write(_skipped_told(sound.path, _why_skipped(error)), file=sys.stderr)
                continue
            made.append(done)
            speed = done.seconds / (time.perf_counter() - began)
            told = f"{_length_told(done.seconds)}, {_peak_told(done)}, {speed:.3g} times real time"
            bar.write(f"{as_text(str(sound.path))} -> {done.name}: {told}")
    return made


def output_names(sounds: list[Sound]) -> list[PurePath]:
    """A name for each sound's file, ending in .wav, that no other has in any case.

    It is the path below the given folder; where two would be the same it keeps its own ending, or takes the given
    folder's name in front, or else a number.
    """
    below = [sound.path.relative_to(sound.folder) for sound in sounds]
    folders = [PurePath(sound.folder.resolve().name) for sound in sounds]
    forms = [[path.with_suffix("") for path in below], below]
    forms += [[folder / name for folder, name in zip(folders, form, strict=True)] for form in forms]
    uses = [Counter(str(name).casefold() for name in form) for form in forms]
    taken: set[str] = set()
    names = []
    for versions in zip(*forms, strict=True):
        single = [name for name, used in zip(versions, uses, strict=True) if used[str(name).casefold()] == 1]
        chosen = name = single[0] if single else versions[0]
        number = 1
        while str(name).casefold() in taken:
            number += 1
            name = chosen.with_name(f"{chosen.name}-{number}")
        taken.add(str(name).casefold())
        names.append(name.with_name(f"{name.name}.wav"))
    return names


def _set(player: Player, setting: str) -> None:
    """Turn a control as `control=value` says."""
    name, equals, value = setting.rpartition("=")
    if not equals:
        raise UserError(f"--set takes CONTROL=VALUE, not `{setting}`; inputs stand before it. {player.controls_told()}")
    try:
        number = float(value)
    except ValueError:
        raise UserError(f"--set {setting}: `{value}` is no number. {player.controls_told()}") from None
    player.set_control(name, number)


def _gather(inputs: list[Path], target: Path) -> tuple[list[Sound], list[tuple[Path, str]]]:
    """The sounds that inputs name, each once, and what is skipped, with the reason.

    What lies in the target is no input, so that a second run does not play the outputs of the first.
    """
    found: dict[Path, tuple[Path, Path]] = {}
    skipped = []
    for given in inputs:
        if not given.is_dir():
            found.setdefault(given.resolve(), (given, given.parent))
            continue
        if given.resolve() == target.resolve():
            raise UserError(f"-o {target} is the folder of the inputs. Name another, so that they stay apart.")
        paths = [path for path in find_sounds(given) if not path.resolve().is_relative_to(target.resolve())]
        for path in paths:
            found.setdefault(path.resolve(), (path, given))
        foreign = find_foreign(given)
        skipped += [(path, "is of a format that is not read here. Convert it to wav or flac") for path in foreign]
        if not paths and not foreign:
            skipped.append((given, f"is a folder without sounds; these end in {', '.join(SUFFIXES)}"))
    sounds = []
    for path, folder in found.values():
        try:
            head = header(path)
        except UnreadableError as error:
            skipped.append((path, str(error)))
        else:
            sounds.append(Sound(path, folder, head.samples / head.sample_rate_hz))
    return sounds, skipped


def _keep_inputs(inputs: list[Path], outputs: list[Path]) -> None:
    """Raise UserError where an output would take the place of an input."""
    kept = {(status.st_dev, status.st_ino) for status in map(os.stat, filter(Path.exists, inputs))}
    for path in filter(Path.exists, outputs):
        status = path.stat()
        if (status.st_dev, status.st_ino) in kept:
            raise UserError(f"{as_text(str(path))} is an input, and the output would take its place. Name another -o.")


def _render(player: Player, sound: Sound, output: Path, block: int, advance: Callable[[int], None]) -> Rendered:
    """Play one file, in pieces, so that its length costs no memory."""
    head = header(sound.path)
    plan = "stereo" if player.channels == 2 and head.channels > 1 else "mean"
    heard = (to_channels(piece, plan, player.channels) for piece in blocks(sound.path))
    heard = resample_blocks(heard, head.sample_rate_hz, player.sample_rate_hz, player.channels)
    played = play(player, (piece.T for piece in heard), block, advance)
    rate = player.sample_rate_hz
    peak, coding = write_wav_blocks(output, (piece.T for piece in played), rate, player.channels)
    return Rendered(as_text(str(output)), sound.seconds, peak, coding)


def _why_skipped(error: Exception) -> str:
    """What an error means for one file; a full disk is every file's."""
    if not isinstance(error, OSError):
        return str(error) if isinstance(error, UnreadableError) else f"is not rendered: {error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise error
    return f"is not rendered: the output cannot be written ({error.strerror})"


def _skipped_told(path: Path, why: str) -> str:
    return f"skipped: {as_text(str(path))} {why}"


def _told(player: Player) -> str:
    rate, delay = player.sample_rate_hz, player.delay_samples
    return (
        f"{as_text(str(player.path))}, {rate} Hz, {_channels_told(player)}, "
        f"delay of {delay} samples ({1000 * delay / rate:.0f} ms) taken out"
    )


def _channels_told(player: Player) -> str:
    return "mono" if player.channels == 1 else "stereo"


def _length_told(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 60 else f"{int(seconds // 60)} min {seconds % 60:.0f} s"


def _peak_told(done: Rendered) -> str:
    if done.peak == 0.0:
        return "silent"
    peak_db = float(decibels(done.peak))
    if done.coding != "FLOAT":
        return f"peak {peak_db:.1f} dBFS"
    return (
        f"peak +{peak_db:.1f} dBFS, so written as 32-bit float, which does not clip: "
        f"turn it down by {peak_db:.1f} dB before you save it with 16 or 24 bits"
    )


def _summary(made: list[Rendered], target: Path, player: Player, seconds: float, skipped: int) -> str:
    left = f" {skipped} skipped, named above." if skipped else ""
    if not made:
        return f"no file made.{left}"
    total, loudest = sum(done.seconds for done in made), max(made, key=lambda done: done.peak)
    floats = sum(done.coding == "FLOAT" for done in made)
    highest = (
        "all silent" if loudest.peak == 0.0 else f"highest peak {decibels(loudest.peak):+.1f} dBFS ({loudest.name})"
    )
    over = f" {floats} over full scale, as 32-bit float." if floats else ""
    kind = f"{player.sample_rate_hz} Hz {_channels_told(player)} WAV"
    return (
        f"{counted(len(made), 'file')} in {as_text(str(target))}, {kind}: "
        f"{_length_told(total)} of sound, {highest}, {total / seconds:.3g} times real time.{over}{left}"
    )
