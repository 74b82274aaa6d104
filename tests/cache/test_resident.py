"""A timeline held on a device against the crops read from disk."""

import pytest
import torch
from support.shapes import SHAPES

from timbre.cache.crops import Crops
from timbre.cache.resident import PIECE_FRAMES, Resident, resident_bytes
from timbre.cache.store import Cache
from timbre.errors import UserError

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=("mono", "stereo"))
def cache(request, tiny_cache, stereo_cache):
    return Cache(stereo_cache if request.param == "stereo" else tiny_cache)


@pytest.mark.parametrize("piece_frames", (7, PIECE_FRAMES))
@pytest.mark.parametrize("split", ("train", "validation", "test"))
@pytest.mark.parametrize("shape", SHAPES)
def test_crops_are_those_read_from_disk(cache, split, shape, piece_frames, monkeypatch):
    monkeypatch.setattr("timbre.cache.resident.PIECE_FRAMES", piece_frames)
    crops = Crops(cache, split, shape, CPU)
    held = Resident(crops)
    assert held.full.wait(20)
    every = range(0, len(crops), 1 + len(crops) // 50)
    a, b = crops.named(held.cut(every)), crops.batch(every)
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]) and a[name].dtype == b[name].dtype, name


def test_it_takes_what_is_said(cache):
    crops = Crops(cache, "train", SHAPES[0], CPU)
    held = Resident(crops)
    assert held.full.wait(20)
    taken = sum(tensor.numel() * tensor.element_size() for tensor in (held._audio, held._features))
    assert taken == resident_bytes(crops)


def test_what_fails_while_it_fills_is_told_to_who_asks(cache, monkeypatch):
    crops = Crops(cache, "train", SHAPES[0], CPU)

    def broken(*arguments):
        raise UserError("data.mdb is damaged")

    monkeypatch.setattr(crops, "read_span", broken)
    held = Resident(crops)
    assert held.full.wait(20)
    with pytest.raises(UserError, match="damaged"):
        held.cut([0])


def test_it_can_be_left_before_it_is_full(cache, monkeypatch):
    monkeypatch.setattr("timbre.cache.resident.PIECE_FRAMES", 1)
    held = Resident(Crops(cache, "train", SHAPES[0], CPU))
    held.close()
    assert not held._filler.is_alive()
