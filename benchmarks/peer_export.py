"""The peer's side of streaming.py: files that acids-rave 2.3.1 exports, in a virtual environment of its own.

    PEER/bin/python benchmarks/peer_export.py FOLDER [--sizes default small low_latency] [--rate 48000]

Writes FOLDER/SIZE_streaming.ts for each size of our params.yaml, of its widths: an untrained model of the package's
own configurations, saved as a run of its trainer is, and made a file of by its own command `rave export --streaming`.
Nothing of the package, which is CC BY-NC, is part of timbre. training.py says how PEER is made.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import gin
import rave
import torch

# What makes of the package's configurations the networks of our sizes: the files, and what differs from them.
CONFIGURATIONS = {
    "default": (["v2"], []),
    "small": (["v2_small"], ["blocks.NoiseGeneratorV2.noise_bands = 5"]),
    "low_latency": (
        ["v1"],
        [
            "CAPACITY = 32",
            "RATIOS = [2, 2, 2, 1]",
            "blocks.Generator.use_noise = False",
            "blocks.ResidualStack.dilations_list = [[3, 1], [9, 1], [27, 1], [36, 1]]",
            "pqmf.CachedPQMF.attenuation = 40",
        ],
    ),
}


def save_untrained_run(size: str, rate: int, folder: Path) -> None:
    """Write what a training would have left: a checkpoint and its configuration."""
    files, bindings = CONFIGURATIONS[size]
    gin.clear_config()
    bindings = [*bindings, f"SAMPLING_RATE = {rate}"]
    gin.parse_config_files_and_bindings([f"configs/{name}.gin" for name in [*files, "causal"]], bindings)
    torch.manual_seed(0)
    model = rave.RAVE(n_channels=1)
    # Of the latent's variance, what the first dimensions explain: all count alike, so that (almost) all are kept.
    model.fidelity.copy_(torch.arange(1, len(model.fidelity) + 1) / len(model.fidelity))
    checkpoints = folder / "version_0" / "checkpoints"
    checkpoints.mkdir(parents=True)
    torch.save({"state_dict": model.state_dict(), "callbacks": {}}, checkpoints / "best.ckpt")
    (folder / "config.gin").write_text(gin.config_str())


def main() -> None:
    """Write the files and print their names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", nargs="+", default=list(CONFIGURATIONS), choices=list(CONFIGURATIONS))
    parser.add_argument("--rate", type=int, default=48000)
    options = parser.parse_args()
    gin.add_config_file_search_path(str(Path(rave.__file__).parent))
    command = Path(sys.executable).with_name("rave")
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as run:
            save_untrained_run(size, options.rate, Path(run))
            flags = ["--run", run, "--name", size, "--output", str(options.folder), "--fidelity", "0.99", "--streaming"]
            subprocess.run([command, "export", *flags], check=True)
        print(options.folder / f"{size}_streaming.ts")


if __name__ == "__main__":
    main()
