"""The held-out recordings as a target: which is nearest, and how far they lie apart."""

import numpy as np
import pytest

from timbre.evaluation.items import Item
from timbre.evaluation.metrics.kad import Timbre, bandwidth_of, kad
from timbre.evaluation.metrics.ltas import band_powers, ltas_db
from timbre.evaluation.reconstruction import Reconstructed
from timbre.evaluation.transfer import TargetSet, kad_figures


def recording(name: str, powers, median_f0_hz: float | None, seed: int = 0) -> Reconstructed:
    windows = np.random.default_rng(seed).normal(size=(8, 38))
    timbres = {"input": Timbre(windows, np.ones(8, bool))}
    item = Item("reconstruction", name, f"{name}.flac", f"{name}.flac")
    return Reconstructed(item, {}, None, 2.0, powers, median_f0_hz, timbres)


@pytest.fixture
def powers(noise, tone, rate):
    return [band_powers(audio, rate) for audio in (noise(), tone(), tone(500.0))]


def test_the_nearest_take_is_that_of_the_nearest_pitch(powers):
    target = TargetSet(
        [recording(name, powers[0], f0) for name, f0 in (("hiss", None), ("low", 100.0), ("high", 400.0))]
    )
    near = {f0: target.nearest(f0).item.name for f0 in (90.0, 190.0, 210.0, 2000.0, None)}
    assert near == {90.0: "low", 190.0: "low", 210.0: "high", 2000.0: "high", None: "hiss"}
    assert TargetSet([recording("hiss", powers[0], None)]).nearest(100.0).item.name == "hiss"
    assert TargetSet([]).nearest(100.0) is None and TargetSet([]).within == {} and TargetSet([]).powers is None


def test_takes_lie_apart_by_the_mean_of_each_from_all_others(powers):
    recordings = [recording(str(index), each, None, index) for index, each in enumerate(powers[:2])]
    target = TargetSet(recordings)
    first, second = (each.timbres["input"].windows for each in recordings)
    width = bandwidth_of(np.concatenate([first, second]))
    assert target.bandwidth == width
    assert target.within["kad_mfcc"] == pytest.approx(kad(first, second, width))
    assert target.within["ltas_db"] == pytest.approx(ltas_db(powers[0], powers[1]))


def test_of_a_single_take_the_halves_lie_apart(powers):
    target = TargetSet([recording("a", powers[0], None)])
    windows = target.windows
    assert target.within == {"kad_mfcc": pytest.approx(kad(windows[:4], windows[4:], bandwidth_of(windows)))}


def test_the_target_itself_is_near_and_other_sounds_are_not(powers):
    target = TargetSet([recording("a", powers[0], None)])
    same = Timbre(target.windows, np.ones(8, bool))
    other = Timbre(target.windows + 2.0, np.ones(8, bool))
    found = kad_figures({"draw 0": same, "draw 1": other, "identity": other}, target)
    assert found["kad_mfcc"] == pytest.approx(
        (kad(same.known, same.known, target.bandwidth) + found["kad_mfcc_identity"]) / 2
    )
    assert found["kad_mfcc_identity"] > 30.0 > 5.0 > kad(same.known, same.known, target.bandwidth)
