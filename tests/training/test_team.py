"""Several processes against one."""

import copy
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lightning_fabric import Fabric
from support.processes import free_port
from support.team_steps import steps

from timbre.errors import UserError
from timbre.params import parse
from timbre.training.run import train_model
from timbre.training.team import Team

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def around():
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)]),
        "TIMBRE_CHECKPOINT_SECONDS": "0",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def job(raw_params, tiny_cache, tmp_path):
    """A training of RAVE's two phases: job(name, **changes of the preset) -> its raw params, cache and folder."""

    def describe(name: str, **changes) -> dict:
        raw = copy.deepcopy(raw_params)
        raw["model"] = "rave"
        raw["sizes"]["tiny"]["rave"] |= {"batch": 4, "steps": 8, "adversarial_share": 0.5} | changes
        return {"params": raw, "cache": str(tiny_cache), "folder": str(tmp_path / name)}

    return describe


def here(job: dict) -> None:
    """Train in this process."""
    out = Path(job["folder"])
    train_model(parse(job["params"]), Path(job["cache"]), out / "models", out / "reports")


def start(job: dict, around: dict, *launcher: str, **more: str) -> subprocess.Popen:
    """Train in a process that may have others beside it, all in one group."""
    path = Path(job["folder"]).with_suffix(".json")
    path.write_text(json.dumps(job))
    command = [sys.executable, *launcher, "-m", "support.training", str(path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=around | more, start_new_session=True, **pipes)


def once_kept(process: subprocess.Popen, checkpoints: Path) -> None:
    """Wait until a step of the run is kept."""
    deadline = time.monotonic() + 60
    while not list(checkpoints.glob("*/checkpoint*")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)


def curves(job: dict) -> list[pd.DataFrame]:
    return [pd.read_csv(Path(job["folder"]) / "reports" / name) for name in ("loss.csv", "validation.csv")]


def files(job: dict) -> set[str]:
    folder = Path(job["folder"])
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def torchrun(job: dict, around: dict) -> list[subprocess.Popen]:
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_port()))
    return [start(job, around, *launcher)]


def by_itself(job: dict, around: dict) -> list[subprocess.Popen]:
    return [start(job, around, TIMBRE_DEVICES="2")]


def slurm(job: dict, around: dict) -> list[subprocess.Popen]:
    """Two machines with a process each, as srun tells them."""
    told = {"SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "1", "SLURM_NNODES": "2", "SLURM_LOCALID": "0"}
    told |= {"SLURM_JOB_NAME": "timbre", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    return [start(job, around, **told, SLURM_PROCID=rank, SLURM_NODEID=rank) for rank in ("0", "1")]


@pytest.mark.parametrize("launch", (by_itself, torchrun, slurm))
def test_two_processes_however_started_have_the_curve_of_one(job, around, tmp_path, launch):
    here(job("one"))
    processes = launch(job("two"), around)
    said = [process.communicate(timeout=120) for process in processes]
    assert not any(process.returncode for process in processes), said
    for got, wanted in zip(curves(job("two")), curves(job("one")), strict=True):
        assert list(got.columns) == list(wanted.columns)
        assert np.allclose(got, wanted, rtol=2e-3, atol=1e-5, equal_nan=True)
    # One speaks, one writes.
    assert "".join(out for out, _ in said).count("2 processes") == 1
    assert files(job("two")) == files(job("one"))
    assert not any((tmp_path / "checkpoints").glob("*/checkpoint*"))


def test_a_stop_keeps_the_run_and_one_process_goes_on(job, around, tmp_path):
    plan = {"steps": 30, "adversarial_share": 0.0}  # a game would drift from the last bits
    here(job("one", **plan))
    process = start(job("two", **plan), around, TIMBRE_DEVICES="2")
    once_kept(process, tmp_path / "checkpoints")
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C in a terminal does
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "is kept; the same command goes on" in err and "Traceback" not in err
    assert not (tmp_path / "two/models").exists()
    here(job("two", **plan))
    for got, wanted in zip(curves(job("two", **plan)), curves(job("one", **plan)), strict=True):
        assert np.allclose(got.loss, wanted.loss, rtol=1e-2)


def test_none_is_left_when_the_leader_is_killed(job, around, tmp_path):
    process = start(job("two", steps=5000), around, TIMBRE_DEVICES="2")
    once_kept(process, tmp_path / "checkpoints")
    process.kill()
    process.communicate(timeout=30)  # which waits for the pipe's last holder


def test_a_batch_that_cannot_be_shared_out_is_told():
    team = Team(Fabric(accelerator="cpu"))
    assert team.share(3) == slice(0, 3)
    team.size, team.rank = 2, 1
    assert team.share(4) == slice(2, 4)
    with pytest.raises(UserError, match=r"a batch of 3 crops cannot be shared out equally among 2 processes"):
        team.share(3)


def test_a_step_of_every_model_is_that_of_one_process(raw_params, tiny_cache, around, tmp_path):
    """Also where a loss divides by a mean over the batch, compares distributions, or moves codebooks."""
    manifest = json.loads((tiny_cache / "manifest.json").read_text())
    jobs = []
    for model, preset, numbers, more in (
        ("ddsp", {}, [0, 1], {}),
        ("ddsp", {}, [0, 1], {"synth": "noise_bands"}),
        ("rave", {"regularisation": "wasserstein", "regularisation_weight": 1.0}, [2, 6, 7], {}),
        ("rave", {"regularisation": "discrete", "waveform_weight": 10.0, "blocks": "v1"}, [0, 1], {}),
    ):
        raw = copy.deepcopy(raw_params) | {"model": model} | more
        raw["sizes"]["tiny"][model] |= {"batch": 4, "steps": 10} | preset
        jobs.append({"params": raw, "manifest": manifest, "seed": 1, "steps": numbers})
    (tmp_path / "jobs.json").write_text(json.dumps(jobs))
    command = [sys.executable, "-m", "support.team_steps", str(tmp_path / "jobs.json"), str(tmp_path / "two.json")]
    subprocess.run(command, env=around | {"TIMBRE_DEVICES": "2"}, check=True, timeout=120)
    alone = [steps(job, Team(Fabric(accelerator="cpu"))) for job in jobs]
    for one, two in zip(alone, json.loads((tmp_path / "two.json").read_text()), strict=True):
        for step, figures in one["figures"].items():
            # How many latents are dead is no mean.
            wanted = {name: value for name, value in figures.items() if name != "dead_latents"}
            assert {name: two["figures"][step][name] for name in wanted} == pytest.approx(wanted, rel=1e-3, abs=1e-6)
        for name, wanted in one["weights"].items():
            near = np.isclose(two["weights"][name], wanted, rtol=1e-3, atol=1e-5)
            # A frame as near to one code as to another may fall to either.
            assert near.mean() > (0.98 if "quantiser" in name else 0.9999), name
