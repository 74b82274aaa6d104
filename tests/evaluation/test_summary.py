"""From items to summary.json: means, worst, intervals, anchors, shares."""

import pytest

from timbre.evaluation.catalogue import entries
from timbre.evaluation.summary import metrics_of, rounded, share, summary_of


def summary(rows, within=None):
    return summary_of(rows, {"model": {}, "robustness": {}}, within or {}, 48000, 50.0)


def transfers(key, *values):
    return [{"kind": "transfer", "name": "abcdef"[index], key: value} for index, value in enumerate(values)]


def test_means_leave_out_what_does_not_apply():
    rows = [
        {"kind": "transfer", "name": "a", "f0_rca50": 0.5, "loudness_r": None, "ltas_db": 1.23456789},
        {"kind": "transfer", "name": "b", "f0_rca50": None, "loudness_r": None, "ltas_db": 3.0},
    ]
    found = summary(rows)
    assert (found["transfer.f0_rca50"]["value"], found["transfer.f0_rca50"]["items"]) == (0.5, 1)
    assert found["transfer.loudness_r"]["value"] is None and found["transfer.loudness_r"]["items"] == 0
    assert found["transfer.ltas_db"]["value"] == 2.117284
    assert found["reconstruction.mss"]["value"] is found["reconstruction.mss_excess_ratio"]["value"] is None
    metrics = metrics_of(found)
    assert metrics["transfer"]["f0_rca50"] == 0.5 and metrics["model"]["bytes"] is None


def test_a_name_with_a_point_in_it_stays_whole():
    rows = [{"kind": "reconstruction", "name": "a", "f0_within_12.5_cents": 0.25}]
    found = summary_of(rows, {"model": {}, "robustness": {}}, {}, 48000, 12.5)
    assert metrics_of(found)["reconstruction"]["f0_within_12.5_cents"] == 0.25


def test_of_faults_the_worst_counts_and_is_named():
    rows = transfers("buzz_db", -50.0, -20.0, None)
    for row, frames, without in zip(rows, (None, 2, 0), (None, 0, 3), strict=True):
        row |= {"leap_frames": frames, "leap_frames_unadapted": without}
    found = summary(rows)
    assert (found["transfer.buzz_db"]["value"], found["transfer.buzz_db"]["worst"]) == (-20.0, "b")
    assert found["transfer.buzz_db"]["mean"] == -35.0 and found["transfer.buzz_db"]["low"] is None
    assert found["transfer.leap_frames"]["value"] == 2
    assert found["transfer.leap_frames"]["anchors"] == {"unadapted": 3}
    assert summary([])["transfer.buzz_db"]["value"] is summary([])["transfer.buzz_db"]["worst"] is None


def test_intervals_lie_around_the_mean_from_three_items_on():
    told = summary(transfers("onset_f", 0.5, 0.7, 0.9))["transfer.onset_f"]
    assert told["low"] < told["mean"] < told["high"] and told["worst"] is None
    told = summary(transfers("onset_f", 0.5, 0.7))["transfer.onset_f"]
    assert told["low"] is told["high"] is None


def test_a_share_lies_between_the_anchors_and_knows_which_is_the_good_one():
    assert share(3.0, 5.0, 1.0) == share(3.0, 1.0, 5.0) == 0.5
    assert share(9.0, 5.0, 1.0) == 0.0 and share(0.0, 5.0, 1.0) == 1.0
    assert share(3.0, None, 1.0) is share(None, 5.0, 1.0) is share(1.0, 2.0, 2.0) is None
    rows = transfers("ltas_db", 6.0)
    rows[0] |= {"ltas_db_identity": 10.0, "loudness_r": 0.4, "loudness_r_target": 0.0, "loudness_r_identity": 1.0}
    found = summary(rows, {"ltas_db": 2.0})
    assert found["transfer.ltas_db"]["anchors"] == {"identity": 10.0, "target": 2.0}
    assert found["transfer.ltas_db"]["share"] == 0.5
    assert found["transfer.loudness_r"]["share"] == 0.4


def test_perfect_and_worthless_reconstructions_have_shares_of_one_and_nothing():
    ends = {entry.key: entry.ends for entry in entries(50.0) if entry.section == "reconstruction" and entry.ends}
    shares = ("f0_within_50_cents", "f0_rca50", "voicing_recall", "onset_f")
    perfect = {key: float(key in shares) for key in ends}
    bad = {key: 1.0 - value for key, value in perfect.items()} | {"mss": 30.0}
    for output, expected in ((perfect, 1.0), (bad, 0.0)):
        row = {"kind": "reconstruction", "name": "a"} | output
        row |= {f"{key}_{told[0]}": bad[key] for key, told in ends.items()}
        found = summary([row])
        assert {key: found[f"reconstruction.{key}"]["share"] for key in ends} == dict.fromkeys(ends, expected)


def test_the_ratio_is_that_of_the_means_beside_it():
    rows = [
        {"kind": "reconstruction", "name": name, "mss": mss, "mss_untrained": untrained, "mss_excess_ratio": 9.0}
        for name, mss, untrained in (("a", 6.0, 24.0), ("b", 8.0, 16.0), ("c", 10.0, 32.0))
    ]
    found = summary(rows)
    mss, ratio = found["reconstruction.mss"], found["reconstruction.mss_excess_ratio"]
    floor = mss["anchors"]["noise_floor"]
    assert mss["anchors"]["untrained"] == 24.0 and ratio["items"] == 3
    assert ratio["value"] == pytest.approx((8.0 - floor) / (24.0 - floor), abs=1e-6)
    assert ratio["low"] == pytest.approx((mss["low"] - floor) / (24.0 - floor), abs=1e-6)
    assert mss["share"] == pytest.approx(1.0 - ratio["value"], abs=1e-6)


def test_rounding_keeps_integers_and_none():
    assert rounded({"a": 1, "b": {"c": 0.12345678, "d": None}}) == {"a": 1, "b": {"c": 0.123457, "d": None}}
    assert rounded({"a": 1.23456e-7, "b": 0.0}) == {"a": 1.23e-7, "b": 0.0}
