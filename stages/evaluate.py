"""Play held-out recordings and foreign inputs through the exported model, measure and show it."""

from pathlib import Path

import _here  # noqa: F401
from timbre.errors import stage_main
from timbre.files import read_json
from timbre.params import load


def main() -> None:
    """Read models/export, models/train, data/normalized and data.test_inputs, write reports/evaluation."""
    params = load()
    from timbre.evaluation.evaluate import run  # after the check of params.yaml, which takes no torch
    from timbre.evaluation.verdict import verdict
    from timbre.models import untrained
    from timbre.playing.description import NAME, read_description

    reports = Path("reports/evaluation")
    run(
        params,
        export=Path("models/export"),
        manifest=Path("data/cache/manifest.json"),
        normalized=Path("data/normalized"),
        reports=reports,
        untrained=untrained(Path("models/train")),
    )
    rate_hz = read_description(Path("models/export") / NAME).sample_rate_hz
    for line in verdict(read_json(reports / "summary.json"), rate_hz, params.evaluate.f0_tolerance_cents):
        print(f"evaluate: {line.subject.lower()}: {line.grade}. {line.sentence}")
    print("evaluate: listen: open reports/evaluation/index.html in a browser, straight from disk.")


if __name__ == "__main__":
    stage_main(main)
