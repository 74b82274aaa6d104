"""Reading and writing sound files (libsndfile: wav, aiff, flac, ogg, opus, mp3)."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from timbre.audio.mp3 import counted_samples
from timbre.audio.work import keep_going
from timbre.errors import UserError
from timbre.files import replaced_file

SUFFIXES = (".aif", ".aiff", ".flac", ".mp3", ".ogg", ".opus", ".wav")
# Sound that libsndfile, or this project, does not read: worth a word when it lies among the recordings.
FOREIGN_SUFFIXES = (".aac", ".ape", ".caf", ".m4a", ".m4b", ".mka", ".mp2", ".mp4", ".w64", ".webm", ".wma", ".wv")
BLOCK_VALUES = 1 << 19
PROBE_BYTES = 1 << 20
# What meters keep is of lengths in seconds: a header's wild rate would cost gigabytes.
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 4000, 768_000
# libsndfile says 2^63 - 1 of what has no length.
MOST_SAMPLES = 1 << 62
# Two frames: what a decoder may leave out at either end.
MP3_SLACK_SAMPLES = 2304
# Integers of 32 bits that were written as floats reach so far; squares of more soon overflow.
LARGEST_SAMPLE = 2.0**31
# The highest sample that 24 bits hold.
LARGEST_24_BIT = 1.0 - 2.0**-23
# A WAV header counts bytes in 32 bits; some of them are its own.
LARGEST_WAV_BYTES = (1 << 32) - (1 << 16)


_SOUND_SIZE = re.compile(r"^\s*(?:data|SSND) : (\d+) \(should be (\d+)\)", re.MULTILINE)
# How libsndfile's log tells of a size that is not true, by format: of the sound, or of the whole file.
PROMISES = {
    **dict.fromkeys(("WAV", "WAVEX", "AIFF"), _SOUND_SIZE),
    "RF64": re.compile(r"^\s*Riff size : (\d+) \(should be (\d+)\)", re.MULTILINE),
    "W64": re.compile(r"^riff : (\d+) \(should be (\d+)\)", re.MULTILINE),
}


class UnreadableError(Exception):
    """A file that cannot be decoded; the message is the reason, without the file's name."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself: rate in Hz, channels, samples per channel, libsndfile's name of the coding."""

    sample_rate_hz: int
    channels: int
    samples: int
    subtype: str


def find_recordings(folder: Path) -> list[Path]:
    """All sound files below `folder` by their ending (any case), sorted by relative path.

    Raises: UserError where the folder is missing or holds none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder. Put recordings there, or write another folder in params.yaml.")
    found = find_sounds(folder)
    if not found:
        foreign = _find(folder, FOREIGN_SUFFIXES)
        hint = f" Found {len(foreign)} in other formats ({foreign[0].name}): convert to wav or flac." if foreign else ""
        raise UserError(
            f"{folder}: no recordings below this folder. Legal endings, in any case: {', '.join(SUFFIXES)}.{hint}"
        )
    return found


def find_sounds(folder: Path) -> list[Path]:
    """As `find_recordings`, but there may be none."""
    return _find(Path(folder), SUFFIXES)


def find_foreign(folder: Path) -> list[Path]:
    """Sound files below `folder` whose format is not read here, sorted by relative path."""
    return _find(Path(folder), FOREIGN_SUFFIXES)


def as_text(name: str) -> str:
    """A file's name as text that can be written: bytes that are not UTF-8 become escapes such as \\udce9."""
    return name.encode(errors="backslashreplace").decode()


def is_held_out(name: str) -> bool:
    """Whether a recording, named relative to its folder, lies below a folder called "test" (any case, any depth)."""
    return "test" in name.lower().split("/")[:-1]


def header(path: Path) -> Header:
    """Read a file's header. Raises: UnreadableError as `blocks` does, as far as the header shows it."""
    with _open(path) as file:
        return Header(file.samplerate, file.channels, file.frames, file.subtype)


def blocks(path: Path, samples: int | None = None) -> Iterator[np.ndarray]:
    """Decode a file block by block, so that its length costs no memory.

    samples: samples per channel in a block; by default half a million values over all channels.
    Yields: [samples, channels] float32 (full scale is 1).
    Raises: UnreadableError where it does not decode, is empty, ends early, or holds samples that are NaN, infinite or
    beyond all measure.
    """
    done = 0
    with _open(path) as file:
        size = samples or max(1024, BLOCK_VALUES // file.channels)
        while True:
            keep_going()
            # libsndfile decodes an opus file's end wrongly when a read ends a few samples before it.
            left = file.frames - done
            try:
                block = file.read(left if 0 < left < size + 8192 else size, dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, RuntimeError) as error:
                raise UnreadableError(f"does not decode ({_reason(error)})") from None
            if len(block) == 0:
                break
            largest = max(float(block.max()), -float(block.min()))
            if not np.isfinite(largest):
                raise UnreadableError("holds samples that are not numbers (NaN or infinite)")
            if largest > LARGEST_SAMPLE:
                raise UnreadableError(f"holds samples up to {largest:.1e}, where full scale is 1")
            done += len(block)
            yield block
        if done < file.frames and _counted_samples(path, file) is None:
            raise UnreadableError(f"is cut off: it ends after {done} of {file.frames} samples")
    if done == 0:
        raise UnreadableError("holds no samples")


def read(path: Path) -> tuple[np.ndarray, int]:
    """Decode a whole file.

    Returns: samples [samples, channels] float32 (full scale is 1), sample rate in Hz.
    Raises: UnreadableError as `blocks` does.
    """
    rate = header(path).sample_rate_hz
    return np.concatenate(list(blocks(path))), rate


def read_part(path: Path, start_samples: int, samples: int) -> tuple[np.ndarray, int]:
    """Decode a part of a file, and no more of it; otherwise as `read`."""
    with _open(path) as file:
        try:
            file.seek(start_samples)
            part = file.read(samples, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise UnreadableError(f"does not decode ({_reason(error)})") from None
        if len(part) < samples:
            raise UnreadableError(f"is cut off: it ends after {start_samples + len(part)} samples")
        return part, file.samplerate


def write_flac(path: Path, samples: np.ndarray, rate_hz: int) -> None:
    """Write 24-bit FLAC, whole or not at all. Samples [samples] or [samples, channels], full scale is 1."""
    write_flac_blocks(path, [samples], rate_hz, channels=1 if samples.ndim == 1 else samples.shape[1])


def write_flac_blocks(path: Path, source: Iterable[np.ndarray], rate_hz: int, channels: int) -> None:
    """Write 24-bit FLAC from blocks [samples] or [samples, channels], whole or not at all; it clips at full scale."""
    with replaced_file(path) as temporary:
        _write(temporary, source, rate_hz, channels, "FLAC", "PCM_24")


def write_wav_blocks(path: Path, source: Iterable[np.ndarray], rate_hz: int, channels: int) -> tuple[float, str]:
    """Write WAV from blocks [samples, channels], whole or not at all, of any length, without clipping.

    It has 24 bits where all of it lies within full scale, and 32-bit floats otherwise.
    Returns: the highest absolute sample and libsndfile's name of the coding.
    """
    peak, values = 0.0, 0
    # Which coding it needs shows at the end only; an unnamed file leaves nothing behind, whatever happens.
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_file(path) as temporary, tempfile.TemporaryFile(dir=path.parent) as floats:
        for block in source:
            floats.write(np.ascontiguousarray(block, dtype=np.float32))
            peak, values = max(peak, float(np.abs(block).max(initial=0.0))), values + block.size
        floats.seek(0)
        container = "WAV" if 4 * values < LARGEST_WAV_BYTES else "RF64"
        coding = "PCM_24" if peak <= LARGEST_24_BIT else "FLOAT"
        _write(temporary, _stored(floats, channels), rate_hz, channels, container, coding)
    return peak, coding


def _stored(floats: BinaryIO, channels: int) -> Iterator[np.ndarray]:
    """Blocks [samples, channels] of the float32 values in an open file."""
    while raw := floats.read(4 * channels * max(1024, BLOCK_VALUES // channels)):
        yield np.frombuffer(raw, dtype=np.float32).reshape(-1, channels)


def _write(path: Path, source: Iterable[np.ndarray], rate_hz: int, channels: int, container: str, coding: str) -> None:
    """Write blocks to a new file."""
    try:
        # By bytes, as it is read.
        name = os.fsencode(path) if os.name == "posix" else str(path)
        with soundfile.SoundFile(name, "w", rate_hz, channels, format=container, subtype=coding) as file:
            for block in source:
                file.write(block)
    except soundfile.LibsndfileError as error:
        # libsndfile calls every failed write a system error: one more write tells which.
        with open(path, "ab", buffering=0) as file:
            file.write(bytes(PROBE_BYTES))
            file.write(bytes(1))
        raise error


@contextmanager
def _open(path: Path) -> Iterator[soundfile.SoundFile]:
    """Open for reading, or say why not."""
    try:
        # Before it is opened: that waits for ever on a pipe to which nobody writes.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UnreadableError("is no file with sound in it, but a pipe, a socket, a device or a folder")
        with open(path, "rb") as raw:
            if not raw.read(1):
                raise UnreadableError("is empty (0 bytes)")
    except (OSError, ValueError) as error:  # a name with a zero byte in it
        raise UnreadableError(f"cannot be opened ({getattr(error, 'strerror', None) or error})") from None
    try:
        # By bytes, since a name that is not UTF-8 has no other form that the file system knows.
        file = soundfile.SoundFile(os.fsencode(path) if os.name == "posix" else str(path))
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        raise UnreadableError(f"does not decode ({_reason(error)})") from None
    with file:
        if file.frames == 0:
            raise UnreadableError("holds no samples")
        if not LOWEST_RATE_HZ <= file.samplerate <= HIGHEST_RATE_HZ:
            low = file.samplerate < LOWEST_RATE_HZ
            limit = f"the least is {LOWEST_RATE_HZ}" if low else f"the most is {HIGHEST_RATE_HZ}"
            raise UnreadableError(f"has a sample rate of {file.samplerate} Hz, and {limit} Hz")
        if file.frames > MOST_SAMPLES:
            raise UnreadableError(
                "does not say how long it is, as if written to a pipe. `ffmpeg -i OLD NEW` mends that"
            )
        promised, found = _promised_bytes(file)
        if promised > found:
            raise UnreadableError(f"is cut off: {found} of {promised} bytes of sound are there")
        if (_counted_samples(path, file) or 0) > file.frames + MP3_SLACK_SAMPLES:
            raise UnreadableError(
                "does not say how long it is, and has a varying bit rate. `ffmpeg -i OLD -c copy NEW` mends that"
            )
        yield file


def _counted_samples(path: Path, file: soundfile.SoundFile) -> int | None:
    """As `counted_samples`, of an open file; None for other formats too."""
    try:
        return counted_samples(path) if file.format == "MP3" else None
    except (OSError, ValueError):  # gone meanwhile, or empty
        return None


def _promised_bytes(file: soundfile.SoundFile) -> tuple[int, int]:
    """Bytes that a header promises, and those that libsndfile found; (0, 0) where it promises none.

    libsndfile reads a cut file without an error and tells it only in its log. Sizes within a page of 2^31 or 2^32
    (or 2^63, 2^64) are what programs write when they cannot know the length, so they promise nothing.
    """
    sizes = PROMISES.get(file.format)
    told = sizes.search(file.extra_info) if sizes else None
    if not told:
        return 0, 0
    promised, found = int(told[1]), int(told[2])
    unknown = any(limit - 4096 <= promised <= limit for limit in (2**31, 2**32, 2**63, 2**64))
    # One byte is the padding of an odd chunk, which many programs leave out.
    return (0, 0) if unknown or promised - found <= 1 else (promised, found)


def _find(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Files below `folder`, through linked folders too, each folder once; names that start with a dot are left out."""
    found, seen = [], set()
    for where, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(where)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        found += [Path(where) / name for name in names if name.lower().endswith(suffixes) and not name.startswith(".")]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _refuse(error: OSError) -> None:
    """A folder that cannot be listed may hold a thousand recordings: nothing goes on without them."""
    raise UserError(
        f"{as_text(str(error.filename))}: this folder cannot be read ({error.strerror}). "
        "Give yourself the right to, or move it away."
    )


def _reason(error: Exception) -> str:
    told = str(getattr(error, "error_string", "") or error).strip().rstrip(".").removeprefix("Error : ")
    return told or type(error).__name__
