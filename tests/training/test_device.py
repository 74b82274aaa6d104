"""The device."""

import pytest
import torch

from timbre.errors import UserError
from timbre.training.device import describe_device, launch_fabric, resident_bytes


def test_the_environment_names_the_device(monkeypatch):
    monkeypatch.setenv("TIMBRE_DEVICE", "cpu")
    fabric = launch_fabric()
    assert fabric.device.type == "cpu"
    assert describe_device(fabric).startswith("cpu")
    assert resident_bytes(fabric) > 0
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
