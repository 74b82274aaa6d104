"""Which files train, which validate and which are kept for evaluation: always whole files."""

from __future__ import annotations

import random

from timbre.audio.io import is_held_out
from timbre.errors import UserError


def split_files(samples: dict[str, int], validation_share: float, test_share: float, seed: int) -> dict[str, str]:
    """Assign each file to "train", "validation" or "test".

    samples: length of each file by its relative path. Files below a folder named "test" are the test files; without
    any, files are drawn until `test_share` of all samples is reached. Validation files are then drawn from the rest
    in the same way. What is drawn is a function of names, lengths and seed.

    Raises: UserError where there are too few files to give each split one.
    """
    split = {file: "test" for file in samples if is_held_out(file)}
    rest = sorted(file for file in samples if file not in split)
    needed = 2 if split else 3
    if len(rest) < needed:
        raise UserError(
            f"data.raw: {len(rest)} usable recording{'s' * (len(rest) != 1)} to train on, but {needed} are needed: "
            f"whole files are kept for validation{'' if split else ' and for evaluation'}. "
            "Cut a long recording into several files, or add more."
        )
    random.Random(seed).shuffle(rest)
    if not split:
        drawn = _draw(rest, samples, test_share, spare=2)
        split.update(dict.fromkeys(drawn, "test"))
        rest = rest[len(drawn) :]
    drawn = _draw(rest, samples, validation_share, spare=1)
    split.update(dict.fromkeys(drawn, "validation"))
    split.update(dict.fromkeys(rest[len(drawn) :], "train"))
    return {file: split[file] for file in sorted(split)}


def _draw(files: list[str], samples: dict[str, int], share: float, spare: int) -> list[str]:
    """The first files that together reach a share of the whole, at least one, leaving at least `spare`."""
    wanted = share * sum(samples[file] for file in files)
    drawn: list[str] = []
    while not drawn or (sum(samples[file] for file in drawn) < wanted and len(files) - len(drawn) > spare):
        drawn.append(files[len(drawn)])
    return drawn
