"""Make the demo corpus: `python stages/demo.py recordings` or `python stages/demo.py inputs`."""

import sys
from pathlib import Path

import _here  # noqa: F401
from timbre.demo.corpus import make_inputs, make_recordings
from timbre.errors import UserError, stage_main
from timbre.params import load

DEMO = Path("data/demo")


def main() -> None:
    demo = load().demo
    match sys.argv[1:]:
        case ["recordings"]:
            raw = DEMO / "raw"
            seconds = make_recordings(raw, DEMO / "truth", demo.train_minutes, demo.test_minutes, demo.seed)
            print(f"Made {seconds / 60:.1f} minutes of recordings of a bowed string in {raw}.")
        case ["inputs"]:
            inputs = DEMO / "inputs"
            seconds = make_inputs(inputs, DEMO / "inputs_truth", demo.seed)
            print(f"Made {seconds:.0f} seconds of sounds to transfer in {inputs}.")
        case _:
            raise UserError("say which part to make: python stages/demo.py recordings, or inputs")


if __name__ == "__main__":
    stage_main(main)
