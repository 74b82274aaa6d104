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
        f"train: best validation loss {outcome.best_loss:.3f} at step {outcome.best_step} of {outcome.step}; "
        "weights in models/train, curves in reports/train (`dvc plots show`). Next: export."
    )


if __name__ == "__main__":
    stage_main(main)
