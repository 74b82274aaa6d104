"""Train the model that params.yaml names."""

from pathlib import Path

import _here  # noqa: F401
from timbre.errors import stage_main
from timbre.params import load


def main() -> None:
    """Read data/cache, write models/train and reports/train."""
    params = load()
    from timbre.training.run import train_model  # after the check of params.yaml, which takes no torch

    outcome = train_model(params, Path("data/cache"), Path("models/train"), Path("reports/train"))
    print(
        f"train: the weights of step {outcome.kept_step} of {outcome.step} are kept, with a validation loss of "
        f"{outcome.kept_loss:.3f}, in models/train. Curves and sounds: open reports/train/index.html in a browser, "
        "straight from disk. Next: export."
    )


if __name__ == "__main__":
    stage_main(main)
