"""The synthesisers of DDSP on drums: both are trained on a kit made in code, exported and evaluated.

    python benchmarks/compare_synths.py [--steps 400] [--minutes 4] [--only SYNTH ...]

Needs nothing else. Prints a table of the held-out minute: multi-scale spectral error (mss) before and after training,
that of silence in place of the output, loudness error, onsets found (F), log-mel error, CPU minutes of training. Two
rows bound the rest: the same strikes on the same drums with other noise and other phases of the cymbals, and (--bound)
gains of the noise bands that are fitted to the sound itself, four seconds of it, without a network between.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import torch
import yaml
from ablate_rave import run
from drums import TEST_TAKES, make_drums, play_take
from machine import describe_machine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from timbre import models
from timbre.cache.build import build_cache
from timbre.dsp.spectral import fft_sizes_for, multi_scale_spectral_loss
from timbre.evaluation.metrics.spectra import mss, spectral_distances
from timbre.features.extractor import feature_config
from timbre.params import SYNTH_NAMES, Params, parse

ROOT = Path(__file__).resolve().parent.parent
BOUND_SECONDS = 4.0
BOUND_STEPS = 150


def other_noise(rate: int) -> tuple[float, float]:
    """mss and log-mel error of the held-out takes played again with other noise."""
    figures = []
    for seed in TEST_TAKES:
        take, again = (play_take(rate, seed, noise_seed).astype(np.float32) for noise_seed in (0, 1))
        figures.append((mss(take, again, rate), spectral_distances(take, again, rate)["logmel_l1"]))
    return tuple(np.mean(figures, axis=0))


def fitted_gains(params: Params, data: Path) -> tuple[float, float]:
    """mss of the noise bands with gains fitted to some seconds of a held-out take, and that of silence."""
    features = feature_config(params.data.sample_rate, params.features.model_dump())
    cache = {"features": features, "channels": 1, "statistics": {"loudness_db": None}}
    network = models.build(models.describe("ddsp", params.preset.model_dump(), cache, 0, synth="noise_bands"))
    audio, rate = soundfile.read(data / "normalized/test/drums 00.flac", dtype="float32")
    sound = torch.from_numpy(audio[: round(BOUND_SECONDS * rate) // network.hop * network.hop])[None]
    sizes = fft_sizes_for(rate)
    with torch.no_grad():
        late = network.delay // network.hop
        level = network.decoder(network.extractor(torch.nn.functional.pad(sound, [0, network.delay])))[:, late:]
    logarithm = level.clamp(min=1e-7).log().requires_grad_()
    optimiser = torch.optim.Adam([logarithm], lr=0.3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.05, BOUND_STEPS)
    found = []
    for step in range(BOUND_STEPS):
        state = network.synthesiser.initial_state(1)
        state[1] += 1009 * step  # not to fit the noise itself
        loss = multi_scale_spectral_loss(network.synthesiser.step(logarithm.exp(), state)[0], sound, sizes)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        found.append(loss.item())
    return float(np.mean(found[-5:])), float(multi_scale_spectral_loss(torch.zeros_like(sound), sound, sizes))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=400, help="training steps of each run, 400 by default")
    parser.add_argument("--minutes", type=float, default=4.0, help="minutes of drums to train on, 4 by default")
    parser.add_argument("--only", nargs="+", choices=SYNTH_NAMES, default=list(SYNTH_NAMES), metavar="SYNTH")
    parser.add_argument("--keep", type=Path, help="folder for all that is made, which must not exist")
    parser.add_argument("--bound", action="store_true", help="fit gains to the sound, which takes some minutes")
    arguments = parser.parse_args()
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | {"model": "ddsp", "size": "tiny"}
    raw["sizes"]["tiny"]["ddsp"] |= {"steps": arguments.steps}
    print(describe_machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as scratch:
        data = arguments.keep or Path(scratch)
        make_drums(data / "normalized", arguments.minutes, raw["data"]["sample_rate"])
        raw["data"]["test_inputs"] = str(data / "normalized/test")
        build_cache(parse(raw), data / "normalized", data / "cache")
        print("| synth | mss | before | silence | loudness error | onsets F | log-mel | CPU minutes |")
        print("|---|---|---|---|---|---|---|---|")
        for synth in arguments.only:
            metrics, seconds = run(parse(raw | {"synth": synth}), data, data / synth)
            held_out = metrics["reconstruction"]
            figures = [held_out.get(name) for name in ("mss", "mss_untrained", "mss_silence", "loudness_l1_db")]
            figures += [held_out.get(name) for name in ("onset_f", "logmel_l1")]
            told = ["-" if value is None else f"{value:.2f}" for value in figures]
            print(f"| {synth} | {' | '.join(told)} | {seconds / 60:.1f} |", flush=True)
        error, logmel = other_noise(raw["data"]["sample_rate"])
        print(f"| the same strikes, other noise | {error:.2f} | - | - | - | - | {logmel:.2f} | - |", flush=True)
        if arguments.bound:
            error, silence = fitted_gains(parse(raw), data)
            print(f"| gains fitted to the sound | {error:.2f} | - | {silence:.2f} | - | - | - | - |", flush=True)


if __name__ == "__main__":
    main()
