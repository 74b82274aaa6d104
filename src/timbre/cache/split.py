"""What trains, what validates and what is kept for evaluation: whole recordings, or parts where there are too few."""

from __future__ import annotations

import random
from dataclasses import dataclass

from timbre.audio.io import is_held_out
from timbre.audio.table import counted
from timbre.errors import UserError

# What lies between two parts of a recording and belongs to neither: longer than any window of the features (4096
# samples are 0.26 s at 16 kHz), and about as long as a room rings on.
GUARD_SECONDS = 0.5
# The least part of a recording: one gating block of a loudness (0.4 s) and a little more.
PART_SECONDS = 0.5
# The least recording to divide, by its parts: the least parts, the guards and as much as both parts, or twice the one,
# to train on.
LEAST_SECONDS = {2: 2.0, 3: 3.0}


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording, in samples from its start, and its split: "train", "validation" or "test"."""

    file: str
    start_samples: int
    samples: int
    split: str


def split_recordings(
    samples: dict[str, int], rate_hz: int, validation_share: float, test_share: float, seed: int
) -> list[Segment]:
    """Give each recording, or each part of one, to a split; in order of file and time.

    samples: length of each file by its relative path. Whole files are split by `split_files` where they are enough.
    Else each of the one or two that are long enough is divided in time: the first part trains, the next validates, and
    the last is the test part where no folder is named "test". Between parts lies half a second that belongs to none,
    so that no crop, no window and hardly an echo straddles two.

    Raises: UserError where there are too few files and none is long enough.
    """
    rest = sorted(file for file in samples if not is_held_out(file))
    parts = 2 if len(rest) < len(samples) else 3
    if len(rest) >= parts:
        split = split_files(samples, validation_share, test_share, seed)
        return [Segment(file, 0, samples[file], split[file]) for file in sorted(split)]
    shares = {"test": test_share, "validation": validation_share} if parts == 3 else {"validation": validation_share}
    least_seconds = LEAST_SECONDS[parts]
    long = [file for file in rest if samples[file] >= least_seconds * rate_hz]
    if not long:
        raise UserError(
            f"data.raw: {counted(len(rest), 'usable recording')} to train on, under {least_seconds:g} s each; "
            f"{parts} are needed, or one of {least_seconds:g} s, which is divided in time. Add more."
        )
    segments = [Segment(file, 0, samples[file], "test") for file in samples if file not in rest]
    segments += [Segment(file, 0, samples[file], "train") for file in rest if file not in long]
    for file in long:
        segments += _divided(file, samples[file], rate_hz, shares)
    return sorted(segments, key=lambda segment: (segment.file, segment.start_samples))


def split_files(samples: dict[str, int], validation_share: float, test_share: float, seed: int) -> dict[str, str]:
    """Assign each file to "train", "validation" or "test".

    samples: length of each file by its relative path, at least three, or two beside those below a folder named "test".
    These are the test files; without any, files are drawn until `test_share` of all samples is reached. Validation
    files are then drawn from the rest in the same way. What is drawn is a function of names, lengths and seed.
    """
    split = {file: "test" for file in samples if is_held_out(file)}
    rest = sorted(file for file in samples if file not in split)
    random.Random(seed).shuffle(rest)
    if not split:
        drawn = _draw(rest, samples, test_share, spare=2)
        split.update(dict.fromkeys(drawn, "test"))
        rest = rest[len(drawn) :]
    drawn = _draw(rest, samples, validation_share, spare=1)
    split.update(dict.fromkeys(drawn, "validation"))
    split.update(dict.fromkeys(rest[len(drawn) :], "train"))
    return {file: split[file] for file in sorted(split)}


def _divided(file: str, samples: int, rate_hz: int, shares: dict[str, float]) -> list[Segment]:
    """The parts of one file from its end on, each with its share of what is left, and its start for training."""
    guard, least = round(GUARD_SECONDS * rate_hz), round(PART_SECONDS * rate_hz)
    segments = []
    # What is left to the parts, less the guards still to come.
    usable = samples - guard * len(shares)
    for number, (split, share) in enumerate(shares.items()):
        length = max(least, round(share * usable))
        usable -= length
        segments.append(Segment(file, usable + guard * (len(shares) - number), length, split))
    return [*segments, Segment(file, 0, usable, "train")]


def _draw(files: list[str], samples: dict[str, int], share: float, spare: int) -> list[str]:
    """The first files that together reach a share of the whole, at least one, leaving at least `spare`."""
    wanted = share * sum(samples[file] for file in files)
    count = total = 0
    while count == 0 or (total < wanted and len(files) - count > spare):
        total += samples[files[count]]
        count += 1
    return files[:count]
