"""How many planted faults the audit finds, and how many clean recordings it accuses: ten faults, five materials.

    python benchmarks/planted_faults.py [--seeds 10] [--seconds 12]

Makes the recordings itself (those of the tests), and judges them with the limits of params.yaml.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.planted import judge, table

from timbre.params import load

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="recordings of each kind (default: %(default)s)")
    parser.add_argument("--first-seed", type=int, default=0, help="of the first one (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=12.0, help="length of each (default: %(default)s)")
    options = parser.parse_args()
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        seeds = range(options.first_seed, options.first_seed + options.seeds)
        verdicts = judge(load(ROOT / "params.yaml"), Path(folder), options.seconds, seeds)
    print(f"{options.seconds:g} s each, {options.seeds} of each kind\n\n{table(verdicts)}\n")
    print(f"CPU {time.process_time() - begun:.0f} s, making the recordings included.")


if __name__ == "__main__":
    main()
