"""Build the cache from the normalised recordings."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import lmdb
import numpy as np
import torch
from torch import Tensor

from timbre.audio.io import UnreadableError, find_recordings, header, read_part
from timbre.audio.parallel import for_each
from timbre.audio.work import one_thread
from timbre.cache.cross_check import Agreement, doubtful, require, second_f0
from timbre.cache.split import split_recordings
from timbre.cache.statistics import Statistics
from timbre.cache.store import FEATURE_NAMES, FORMAT, first_slices, write_slices
from timbre.errors import UserError
from timbre.features.extractor import FeatureExtractor, extractor_of, feature_config
from timbre.files import replaced_folder, write_json
from timbre.params import Params
from timbre.progress import progress

# Seconds that are analysed at a time: what a worker holds in memory.
PIECE_SECONDS = 30.0
# Samples, over all windows, that features are taken of at a time: more of them cost fresh memory for every result.
AT_ONCE = 1 << 17


def build_cache(params: Params, source: Path, target: Path) -> dict:
    """Slice every recording below `source` into `target` (data.mdb, manifest.json). Returns: the manifest.

    Of a split's recordings nothing is dropped: the last slice keeps its true length, and frames go on over the end by
    the extractor's alignment, so that the last samples have features too. A part of a divided recording (see
    `timbre.cache.split`) is a recording of its own. Features are those of the channels' mean. Memory does not grow with
    the corpus. With a cross-check every file tells how far a second pitch tracker is from ours.
    """
    require(params.slice.cross_check)
    rate, channels = params.data.sample_rate, params.data.channels
    config = feature_config(rate, params.features.model_dump())
    extractor = extractor_of(config)
    hop = extractor.hop
    slice_frames = max(1, round(params.slice.seconds * rate / hop))
    files = _list_files(source, rate, channels)
    entries, first_slice = [], 0
    for segment in split_recordings(files, rate, params.slice.validation_share, params.slice.test_share, params.seed):
        frames = -(-segment.samples // hop) + extractor.alignment_frames
        slices = -(-frames // slice_frames)
        entries.append(asdict(segment) | {"frames": frames, "first_slice": first_slice, "slices": slices})
        first_slice += slices
    statistics = Statistics()
    agreement = Agreement() if params.slice.cross_check != "none" else None
    slice_bytes = (2 * channels * slice_frames * hop, 4 * len(FEATURE_NAMES) * slice_frames)
    sizes = _slice_bytes(entries, slice_frames, hop, channels)
    firsts = first_slices(sizes, 1e9 * params.slice.shard_gb)
    with replaced_folder(target) as folder, one_thread():
        analysed = _slices(source, entries, extractor, config, slice_frames, statistics, agreement)
        with closing(analysed) as slices, _told(target):
            shards = write_slices(folder, slices, slice_bytes, first_slice, firsts)
        checked = {}
        if agreement is not None:
            for index, entry in enumerate(entries):
                entry["f0_apart_percent"] = agreement.apart_percent(index)
            checked["f0_doubtful"] = doubtful(entries)
        manifest = {
            "format": FORMAT,
            "channels": channels,
            "features": config,
            "feature_names": list(FEATURE_NAMES),
            "slice_frames": slice_frames,
            "slices": first_slice,
            "files": entries,
            "seconds": {
                name: round(sum(e["samples"] for e in entries if e["split"] == name) / rate, 3)
                for name in ("train", "validation", "test")
            },
            "statistics": statistics.summary(),
            **checked,
            "shards": [asdict(shard) for shard in shards],
        }
        write_json(folder / "manifest.json", manifest)
    return manifest


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """Errors of LMDB that are the system's as such: it tells them in words alone."""
    try:
        yield
    except lmdb.Error as error:
        for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            if str(error).endswith(os.strerror(code)):
                raise OSError(code, os.strerror(code), str(target)) from None
        raise


def _slice_bytes(entries: list[dict], slice_frames: int, hop: int, channels: int) -> Iterator[tuple[int, int]]:
    """Size of every slice's audio and features, in order."""
    for entry in entries:
        for first_frame in range(0, entry["frames"], slice_frames):
            frames = min(slice_frames, entry["frames"] - first_frame)
            samples = min(frames * hop, max(0, entry["samples"] - first_frame * hop))
            yield 2 * channels * samples, 4 * len(FEATURE_NAMES) * frames


def _list_files(source: Path, rate_hz: int, channels: int) -> dict[str, int]:
    """Length in samples of each recording by its relative path."""
    files = {}
    for path in find_recordings(source):
        try:
            found = header(path)
        except UnreadableError as error:
            raise UserError(f"{path} {error}. Run `dvc repro -f normalize` to write it anew.") from None
        if (found.sample_rate_hz, found.channels) != (rate_hz, channels):
            raise UserError(
                f"{path}: {found.sample_rate_hz} Hz, {found.channels} channels, but "
                f"{('mono', 'stereo')[channels - 1]} at {rate_hz} Hz is expected. Run `dvc repro` to normalise it anew."
            )
        files[path.relative_to(source).as_posix()] = found.samples
    return files


def _slices(
    source: Path,
    entries: list[dict],
    extractor: FeatureExtractor,
    config: dict,
    slice_frames: int,
    statistics: Statistics,
    agreement: Agreement | None,
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Slices of all entries in order, analysed in parallel by pieces that are whole numbers of slices."""
    slice_seconds = slice_frames * extractor.hop / extractor.sample_rate
    slices_per_piece = max(1, int(PIECE_SECONDS / slice_seconds))
    pieces = [
        (number, first, min(slices_per_piece, entry["slices"] - first))
        for number, entry in enumerate(entries)
        for first in range(0, entry["slices"], slices_per_piece)
    ]
    checked = agreement is not None
    work = for_each(
        _analyse,
        (
            (source, entries[number], config, first * slice_frames, count * slice_frames, checked)
            for number, first, count in pieces
        ),
    )
    state = extractor.initial_state(1)
    hop = extractor.hop
    with progress(description="slice", unit="piece", total=len(pieces)) as bar:
        for (number, first, count), (audio, shown, second_hz) in zip(pieces, work, strict=True):
            # Here, since who takes the last slice does not come back.
            bar.update()
            entry = entries[number]
            if first == 0:
                state = extractor.initial_state(1)
            features, state = _gated(extractor, shown, state)
            if agreement is not None:
                agreement.add(number, features[0], features[1], second_hz)
            if entry["split"] == "train":
                statistics.add(dict(zip(FEATURE_NAMES, features, strict=True)))
            for index in range(count):
                frames = slice(index * slice_frames, (index + 1) * slice_frames)
                samples = audio[:, index * slice_frames * hop : (index + 1) * slice_frames * hop]
                yield entry["first_slice"] + first + index, samples, features[:, frames]


def _gated(
    extractor: FeatureExtractor, shown: list[np.ndarray], state: list[Tensor]
) -> tuple[np.ndarray, list[Tensor]]:
    """Features [4, frames] of what a piece shows, with the pitch held and voicing kept from the piece before."""
    f0_hz, clarity = torch.from_numpy(shown[0]), torch.from_numpy(shown[1])
    held, voiced, after = extractor.gate(f0_hz, clarity, state)
    return np.concatenate([held.numpy(), voiced.numpy(), shown[2], shown[1]]), [state[0], *after]


def _analyse(
    source: Path, entry: dict, config: dict, first_frame: int, frames: int, checked: bool
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray | None]:
    """Audio (int16 [channels, samples], what there truly is) and what each frame shows by itself, of a piece.

    And, where it is to be cross-checked, the pitch that a second tracker finds.
    """
    extractor = extractor_of(config)
    hop, history = extractor.hop, extractor.window - extractor.hop
    frames = min(frames, entry["frames"] - first_frame)
    begin, end = first_frame * hop, (first_frame + frames) * hop
    start, stop = (min(max(0, at), entry["samples"]) for at in (begin - history, end))
    try:
        read, _ = read_part(source / entry["file"], entry["start_samples"] + start, stop - start)
    except UnreadableError as error:
        raise UserError(f"{source / entry['file']} {error}. Run `dvc repro -f normalize` to write it anew.") from None
    heard, own = read.mean(axis=1), read[max(0, begin - start) :]
    before = np.concatenate([np.zeros(max(0, history - begin), dtype=np.float32), heard[: max(0, begin - start)]])
    heard = heard[max(0, begin - start) :]
    before = np.pad(before, (0, max(0, history - len(before))))[:history]
    padded = torch.from_numpy(np.pad(heard, (0, frames * hop - len(heard))))
    part_samples = max(1, AT_ONCE // extractor.window) * hop
    with torch.no_grad():
        pieces = [
            extractor.measure(part.unsqueeze(0), past.unsqueeze(0))
            for part, past in _parts(padded, torch.from_numpy(before), part_samples, history)
        ]
    shown = [torch.cat([piece[index] for piece in pieces], dim=1).numpy() for index in range(3)]
    audio = np.clip(np.round(own.T * 32767.0), -32768, 32767).astype(np.int16)
    return audio, shown, second_f0(source, entry, config, first_frame, frames) if checked else None


def _parts(audio: Tensor, before: Tensor, length: int, history: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Audio in parts, each with the samples before it."""
    joined = torch.cat([before, audio])
    for begin in range(0, len(audio), length):
        yield audio[begin : begin + length], joined[begin : begin + history]
