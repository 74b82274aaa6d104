"""Write the trained model as hosts load it, and prove that the file keeps its promises."""

from pathlib import Path

import _here  # noqa: F401
from timbre.errors import stage_main
from timbre.params import load


def main() -> None:
    """Read models/train, write models/export."""
    params = load()
    from timbre.export.run import export_model  # after the check of params.yaml, which takes no torch

    made = export_model(params, Path("models/train"), Path("models/export"))
    delay_ms = 1000 * made["delay_samples"] / made["sample_rate_hz"]
    files = ", ".join(f"{target['file']} ({target['bytes'] / 1e6:.1f} MB)" for target in made["targets"].values())
    print(
        f"export: models/export/ with {files}; {made['sample_rate_hz']} Hz, blocks of {made['block_samples']} samples "
        f"or a multiple, delay {made['delay_samples']} samples ({delay_ms:.0f} ms); streaming equals offline to "
        f"{made['streaming_snr_db']:.0f} dB. Next: evaluate."
    )


if __name__ == "__main__":
    stage_main(main)
