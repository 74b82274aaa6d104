"""Cut the normalised recordings into slices with their features: the cache that training reads."""

from collections import Counter
from pathlib import Path

import _here  # noqa: F401
from timbre.cache.build import build_cache
from timbre.cache.cross_check import APART_CENTS
from timbre.errors import printable, stage_main
from timbre.params import load


def main() -> None:
    """Read data/normalized, write data/cache."""
    manifest = build_cache(load(), Path("data/normalized"), Path("data/cache"))
    minutes = {split: seconds / 60 for split, seconds in manifest["seconds"].items()}
    statistics = manifest["statistics"]
    pitch = "no pitch found"
    if statistics["f0_hz"]:
        lowest, *_, highest = statistics["f0_hz"]
        pitch = f"{statistics['voiced_share']:.0%} voiced, pitch mostly {lowest:.0f} to {highest:.0f} Hz"
    parts = Counter(entry["file"] for entry in manifest["files"])
    divided = " and ".join(printable(file) for file, count in parts.items() if count > 1)
    print(
        f"slice: {manifest['slices']} slices in data/cache: {minutes['train']:.1f} minutes to train on, "
        f"{minutes['validation']:.1f} to validate, {minutes['test']:.1f} to evaluate; {pitch}"
        f"{f'; too few recordings to keep whole ones, so divided in time: {divided}' if divided else ''}. Next: train."
    )
    for file in manifest.get("f0_doubtful", []):
        percent = max(entry["f0_apart_percent"] or 0.0 for entry in manifest["files"] if entry["file"] == file)
        print(
            f"slice: {printable(file)}: in {percent:.0f} % of its voiced frames a second tracker hears a pitch more "
            f"than {APART_CENTS:g} cents away. Listen to it: of chords, echoes or noise ddsp learns wrong pitches."
        )


if __name__ == "__main__":
    stage_main(main)
