"""Crops against slices of the whole files."""

import numpy as np
import pytest
import torch
from support.shapes import SHAPES

from timbre.cache.crops import Crops
from timbre.cache.store import FEATURE_NAMES, Cache

HOP = 128
CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=("mono", "stereo"))
def cache(request, tiny_cache, stereo_cache):
    return Cache(stereo_cache if request.param == "stereo" else tiny_cache)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_crop_is_a_slice_of_its_file_in_every_channel(cache, shape):
    crops = Crops(cache, "train", shape, CPU)
    number = 0
    for file in cache.files("train"):
        indices = range(file["first_slice"], file["first_slice"] + file["slices"])
        audio = np.concatenate([cache.audio(i) for i in indices], axis=1)
        features = np.concatenate([cache.features(i) for i in indices], axis=1)
        around = shape.lead_frames, shape.crop_frames + shape.delay_frames
        # What no frame shows: silence before the file, and after it silence at the pitch held.
        silent = np.array([[crops.first_f0_hz], [0], [-100], [0]], dtype="f4")
        held = np.array([[features[0, -1]], [0], [-100], [0]], dtype="f4")
        padded = np.concatenate([silent.repeat(around[0], 1), features, held.repeat(around[1], 1)], axis=1)
        places = max(1, -(-audio.shape[1] // HOP) - shape.crop_frames + 1)
        for position in sorted({0, 1, 25, 31, places - 1} & set(range(places))):
            got = crops.batch([number + position])
            part = audio[:, position * HOP : (position + shape.crop_frames) * HOP]
            wanted = np.pad(part, ((0, 0), (0, shape.crop_frames * HOP - part.shape[1])))
            assert got["audio"].shape == (1, cache.manifest["channels"], shape.crop_frames * HOP)
            assert np.array_equal(got["audio"][0].numpy() * np.float32(32767), wanted)
            first = position + shape.delay_frames
            wanted = padded[:, first : first + shape.lead_frames + shape.crop_frames]
            assert np.array_equal(np.stack([got[name][0] for name in FEATURE_NAMES]), wanted)
        number += places
    assert len(crops) == number


def test_a_random_batch_is_a_function_of_seed_and_step(cache):
    crops = Crops(cache, "train", SHAPES[0], CPU)
    torch.manual_seed(0)
    first = crops.random(8, 3, 10)
    np.random.seed(1)
    crops.random(8, 3, 11)
    again = Crops(cache, "train", SHAPES[0], CPU).random(8, 3, 10)
    assert all(torch.equal(first[name], again[name]) for name in first)
    for other in (crops.random(8, 3, 11), crops.random(8, 4, 10)):
        assert not torch.equal(first["position_samples"], other["position_samples"])


@pytest.mark.parametrize("share", (slice(0, 4), slice(4, 8), slice(6, 8)))
def test_a_share_of_a_step_is_a_part_of_the_whole_with_its_seeds(cache, share):
    crops = Crops(cache, "train", SHAPES[0], CPU)
    whole, part = crops.random(8, 3, 10), crops.random(8, 3, 10, share)
    assert whole.keys() == part.keys() and len(set(whole["chance"].tolist())) == 8
    assert all(torch.equal(whole[name][share], part[name]) for name in whole)


def test_random_crops_reach_every_place_equally(cache):
    crops = Crops(cache, "train", SHAPES[0], CPU)
    found = torch.cat([crops.random(500, 0, step)["position_samples"] for step in range(40)])
    counts = found.unique(return_counts=True)[1]
    assert len(counts) == len(crops)
    expected = 20000 / len(crops)
    assert float(((counts - expected) ** 2 / expected).sum()) / len(crops) < 1.5


def test_places_on_the_timeline_are_all_different(cache):
    crops = Crops(cache, "train", SHAPES[0], CPU)
    assert len(crops.batch(range(len(crops)))["position_samples"].unique()) == len(crops)


@pytest.mark.parametrize("most", (1, 3, 1000))
def test_spread_is_even_and_reaches_both_ends(cache, most):
    crops = Crops(cache, "train", SHAPES[0], CPU)
    numbers = crops.spread(most)
    assert len(numbers) == max(1, min(most, len(crops) // 10))
    assert numbers[0] == 0 and (most == 1 or numbers[-1] == len(crops) - 1)
    steps = np.diff(numbers)
    assert len(steps) == 0 or steps.max() - steps.min() <= 1


def test_crops_of_two_splits_come_from_different_files(cache):
    files = [{span.file["file"] for span in Crops(cache, split, SHAPES[0], CPU).spans} for split in ("train", "test")]
    assert not files[0] & files[1]
