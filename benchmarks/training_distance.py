"""Part of training.py: how near the sound comes after equal CPU time, on the same crops of the same recordings."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve()
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "src"))
# Crops laid down for both sides, more than either takes; seconds of the held-out recording; how late it may be.
CROPS = 3000
# The peer's longest window wants more than 16 384 samples.
BATCH, CROP_SAMPLES = 4, 32768
HELD_OUT_SECONDS = 20
MOST_DELAY = 4096
# Steps by which the cost of one is found, before the plan of the learning rate is made.
TRIAL_STEPS = 10


def lay_down(folder: Path, cache: Path) -> None:
    """Crops, a held-out recording, and the widths of sizes.tiny.rave in the peer's words."""
    from timbre.cache.crops import Crops, CropShape
    from timbre.cache.store import Cache
    from timbre.params import load

    preset = load(ROOT / "params.yaml").sizes.tiny.rave
    opened = Cache(cache)
    hop = opened.manifest["features"]["hop_samples"]
    frames = CROP_SAMPLES // hop
    crops = Crops(opened, "train", CropShape(frames, 0, 0), torch.device("cpu"))
    numbers = np.random.default_rng(0).integers(len(crops), size=CROPS)
    laid = np.lib.format.open_memmap(folder / "crops.npy", "w+", np.int16, (CROPS, CROP_SAMPLES))
    for at, number in enumerate(numbers):
        laid[at] = crops.read([number]).audio[0, :, 0].reshape(-1).numpy()
    laid.flush()
    held_out = Crops(opened, "test", CropShape(HELD_OUT_SECONDS * 48000 // hop, 0, 0), torch.device("cpu"))
    np.save(folder / "held_out.npy", held_out.batch([0])["audio"][0, 0].numpy())
    gin = {
        "SAMPLING_RATE": 48000,
        "CAPACITY": preset.capacity,
        "RATIOS": preset.ratios,
        "DILATIONS": preset.dilations,
        "LATENT_SIZE": preset.latent_size,
    }
    (folder / "widths.json").write_text(json.dumps({"gin": gin, "batch": BATCH}))


def ours(folder: Path, cpu_seconds: float) -> None:
    """Train the first phase of sizes.tiny.rave for so many seconds of CPU, and render the held-out recording."""
    from lightning_fabric import Fabric

    from timbre import models
    from timbre.features.extractor import feature_config
    from timbre.params import load
    from timbre.training.schedule import averaging_decay, learning_rate
    from timbre.training.step import take_step
    from timbre.training.team import Team
    from timbre.training.weights import average

    params = load(ROOT / "params.yaml")
    preset = params.sizes.tiny.rave.model_dump()
    preset |= {"adversarial_share": 0.0, "batch": BATCH, "crop_samples": CROP_SAMPLES}
    features = feature_config(params.data.sample_rate, params.features.model_dump())
    config = models.describe("rave", preset, {"features": features, "channels": 1, "statistics": {}}, seed=0)
    crops = np.load(folder / "crops.npy", mmap_mode="r")
    batch, team = preset["batch"], Team(Fabric(accelerator="cpu"))

    def train(steps: int, seconds: float) -> tuple[torch.nn.Module, int]:
        task = models.task_of(models.build(config), preset | {"steps": steps}, config).train()
        groups = {"generator": list(task.network.parameters())}
        optimisers = {"generator": torch.optim.Adam(groups["generator"], betas=task.betas, fused=True)}
        averaged, taken, begun = {}, 0, time.process_time()
        while taken < steps and time.process_time() - begun < seconds:
            at = taken * batch % (len(crops) - batch + 1)
            audio = torch.from_numpy(crops[at : at + batch].astype(np.float32) / 32767.0)[:, None]
            drawn = {"audio": audio, "position_samples": torch.arange(batch), "chance": torch.arange(batch) + at}
            rates = {"generator": learning_rate(taken, steps, preset["learning_rate"])}
            take_step(team, task, optimisers, groups, drawn, taken, rates, params.train.gradient_clip, batch)
            taken += 1
            average(averaged, task.network, averaging_decay(taken, params.train.ema_decay))
        task.network.load_state_dict(averaged)
        return task.network.eval(), taken

    begun = time.process_time()
    train(TRIAL_STEPS, float("inf"))
    spent = time.process_time() - begun
    # The trial counts; the plan is a little shorter than the time, so that it is not cut off.
    network, steps = train(int(0.95 * (cpu_seconds - spent) / (spent / TRIAL_STEPS)), cpu_seconds - spent)
    with torch.no_grad():
        played = network(torch.from_numpy(np.load(folder / "held_out.npy"))[None, None])
    np.save(folder / "ours.npy", played[0, 0].numpy())
    (folder / "ours.json").write_text(json.dumps({"steps": steps}))


def spectral_distance(target: np.ndarray, played: np.ndarray) -> float:
    """The multi-scale spectral loss of the README's tables, at the delay that the correlation finds."""
    from timbre.dsp.spectral import fft_sizes_for, multi_scale_spectral_loss

    samples = min(len(target), len(played)) - MOST_DELAY
    spectrum = np.fft.rfft(played[: samples + MOST_DELAY], 2 * len(target))
    correlation = np.fft.irfft(spectrum * np.fft.rfft(target[:samples], 2 * len(target)).conj())[:MOST_DELAY]
    x = torch.from_numpy(target[:samples])[None]
    found = []
    for delay in {0, int(correlation.argmax()), int(np.abs(correlation).argmax())}:
        y = torch.from_numpy(np.ascontiguousarray(played[delay : delay + samples]))[None]
        found.append(float(multi_scale_spectral_loss(y, x, fft_sizes_for(48000))))
    return min(found)


def rows(peer_python: str, folder: Path, cache: Path, cpu_seconds: float) -> list[tuple]:
    """Spectral distance after equal CPU time: measure, ours, the peer's. Both train at once, a thread each."""
    folder.mkdir(parents=True, exist_ok=True)
    lay_down(folder, cache)
    told = [str(folder), str(cpu_seconds)]
    sides = [
        subprocess.Popen([sys.executable, str(HERE), *told]),
        subprocess.Popen([peer_python, "-W", "ignore", str(HERE.parent / "peer_rave.py"), "distance", *told]),
    ]
    if any(side.wait() for side in sides):
        raise SystemExit("a side of the comparison of distances failed; its words are above")
    target = np.load(folder / "held_out.npy")
    values = [spectral_distance(target, np.load(folder / f"{name}.npy")) for name in ("ours", "peer")]
    steps = [json.loads((folder / f"{name}.json").read_text())["steps"] for name in ("ours", "peer")]
    minutes = f"after {cpu_seconds / 60:g} CPU minutes, tiny widths, first phase"
    silence = spectral_distance(target, np.zeros_like(target))
    return [
        (f"{minutes}: steps", *steps),
        (f"{minutes}: spectral distance of a held-out recording (silence {silence:.1f})", *values),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    ours(Path(sys.argv[1]), float(sys.argv[2]))
