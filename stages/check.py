"""Check params.yaml as a whole, and that DVC can read the folders of recordings, before any work starts."""

import sys
from pathlib import Path

import _here  # noqa: F401
from timbre.audio.trackable import require_trackable
from timbre.errors import stage_main
from timbre.params import load


def main() -> None:
    """Read params.yaml; say what is chosen or what is wrong with it, and with the folders that it names."""
    params = load()
    for folder in (params.data.raw, params.data.test_inputs):
        for linked in require_trackable(Path(folder)):
            print(
                f"warning: {linked} is a link to a folder, which DVC does not look into: it sees no change there. "
                "Move the folder here, or run `dvc repro -f audit` after a change.",
                file=sys.stderr,
            )
    print(f"check: params.yaml is sound: {params.model} {params.size}, recordings in {params.data.raw}.")


if __name__ == "__main__":
    stage_main(main)
