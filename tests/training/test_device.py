"""The device."""

import pytest
import torch

from timbre.errors import UserError
from timbre.training import device
from timbre.training.device import describe_device, launch_fabric, room_bytes


def test_the_environment_names_the_device(monkeypatch):
    monkeypatch.setenv("TIMBRE_DEVICE", "cpu")
    fabric = launch_fabric()
    assert fabric.device.type == "cpu"
    assert describe_device(fabric).startswith("cpu")
    assert room_bytes(fabric.device) == 0.0
    assert torch.are_deterministic_algorithms_enabled()


def test_an_unknown_device_is_told(monkeypatch):
    monkeypatch.setenv("TIMBRE_DEVICE", "gpu")
    with pytest.raises(UserError, match=r"TIMBRE_DEVICE=gpu \(environment\) is not legal\. Legal: auto, cpu, cuda"):
        launch_fabric()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_device_is_told(monkeypatch):
    monkeypatch.setenv("TIMBRE_DEVICE", "cuda")
    with pytest.raises(UserError, match="no CUDA device"):
        launch_fabric()


@pytest.mark.parametrize(("name", "value"), (("TIMBRE_DEVICES", "none"), ("TIMBRE_NODES", "0")))
def test_numbers_that_are_none_are_told(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=rf"{name}={value} \(environment\) is not legal"):
        launch_fabric()


def test_processes_that_slurm_counts_otherwise_are_told(monkeypatch):
    told = {"SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "4", "SLURM_NNODES": "1", "SLURM_JOB_NAME": "timbre"}
    for key, text in {**told, "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}.items():
        monkeypatch.setenv(key, text)
    monkeypatch.setenv("TIMBRE_DEVICE", "cpu")
    monkeypatch.setenv("TIMBRE_DEVICES", "2")
    with pytest.raises(UserError, match=r"2 processes on each of 1 machines do not start: .*ntasks-per-node=4"):
        launch_fabric()


def test_trainings_side_by_side_take_a_gpu_each(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-5a")
    held: list = []
    monkeypatch.setattr(device, "_held", held)
    assert [device._free_gpu(), device._free_gpu()] == [0, 1]
    monkeypatch.setattr(device.time, "sleep", lambda seconds: held[1].release())  # one ends meanwhile
    assert device._free_gpu() == 1
    assert "waits, since other trainings work on all 2 GPUs" in capsys.readouterr().out
    for lock in held:
        lock.release()


def test_the_only_gpu_is_shared(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert [device._free_gpu(), device._free_gpu()] == [0, 0]
