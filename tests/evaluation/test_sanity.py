"""What each metric makes of known damages: it hears what its definition says, in that order, and nothing else."""

import numpy as np
import pytest
import scipy.signal

from timbre.evaluation.measure import hear, reconstruction_figures, transfer_figures
from timbre.evaluation.metrics.kad import bandwidth_of, kad, paired_kad
from timbre.evaluation.metrics.ltas import band_powers

STARTS = [0.2, 0.7, 1.1, 1.8, 2.3, 2.9, 3.3, 4.0, 4.6, 5.1]
STEPS = [14, 1, 3, 3, 3, 15, 15, 13, 2, 3]
LEVELS = [0.4, 0.9, 0.3, 0.6, 1.0, 0.5, 0.8, 0.35, 0.7, 0.95]


def melody(rate: int, detune_cents: float = 0.0) -> np.ndarray:
    """Ten notes of ten partials, loud and soft, over a little hiss."""
    at = np.arange(6 * rate) / rate
    audio = np.zeros(len(at))
    for step, level, start, end in zip(STEPS, LEVELS, STARTS, [*STARTS[1:], 5.7], strict=True):
        f0_hz = 220.0 * 2.0 ** (step / 12 + detune_cents / 1200)
        envelope = level * np.clip((at - start) / 0.02, 0, 1) * np.clip((end - at) / 0.06, 0, 1)
        audio += envelope * sum(np.sin(2 * np.pi * n * f0_hz * at) / n for n in range(1, 11) if n * f0_hz < 0.47 * rate)
    hiss = scipy.signal.lfilter([1], [1, -0.5], np.random.default_rng(0).normal(size=len(at)))
    return (0.15 * audio + 1e-3 * hiss).astype(np.float32)


def damages(rate: int) -> dict[str, np.ndarray]:
    sound = melody(rate)
    low_pass = scipy.signal.butter(4, 2000, fs=rate, output="sos")
    noise = np.sqrt(np.mean(sound**2)) * np.random.default_rng(1).normal(size=len(sound))
    clicks = sound.copy()
    clicks[np.arange(0.35 * rate, len(sound), 0.61 * rate).astype(int)] += 0.5
    made = {
        "identity": sound,
        "low-pass": scipy.signal.sosfiltfilt(low_pass, sound),
        "noise -40": sound + 0.01 * noise,
        "noise -20": sound + 0.1 * noise,
        "detune": melody(rate, 30.0),
        "delay": np.concatenate([np.zeros(round(0.03 * rate)), sound[: -round(0.03 * rate)]]),
        "gain": sound * 10 ** (-12 / 20),
        "clicks": clicks,
    }
    return {name: audio.astype(np.float32) for name, audio in made.items()}


@pytest.fixture(scope="module")
def table(rate, extractor) -> dict[str, dict[str, float]]:
    """Every figure, by its name, of every damage."""
    heard = {name: hear(audio[None], extractor) for name, audio in damages(rate).items()}
    original = heard["identity"]
    width, powers = bandwidth_of(original.timbre.known), band_powers(original.audio, rate)
    found = {}
    for name, each in heard.items():
        reconstruction = reconstruction_figures(original, [each], {}, extractor, 50.0)
        transfer = transfer_figures(original, [each], {}, rate, powers, 50.0)
        found[name] = reconstruction | {key: transfer[key] for key in ("loudness_r", "ltas_db", "leap_frames")}
        found[name]["kad_mfcc"] = paired_kad(original.timbre, each.timbre, width)
        found[name]["kad_mfcc of a transfer"] = kad(original.timbre.known, each.timbre.known, width)
    return {key: {name: found[name][key] for name in found} for key in found["identity"]}


IDEAL = {"f0_within_50_cents": 1.0, "f0_rca50": 1.0, "voicing_recall": 1.0, "onset_f": 1.0, "loudness_r": 1.0}
# By metric: what it does not hear, to within so much of the ideal; then what it hears, the least damage first.
HEARD = {
    "mss": ((), 0.0, ["clicks", "noise -40", "delay", "gain", "noise -20", "low-pass"]),
    "lsd_db": ((), 0.0, ["clicks", "noise -40", "delay", "gain", "noise -20"]),
    "mcd_db": (["gain"], 1e-3, ["clicks", "noise -40", "noise -20", "low-pass"]),
    "logmel_l1": ((), 0.0, ["noise -40", "delay", "gain", "noise -20"]),
    "f0_within_50_cents": (["low-pass", "noise -40", "noise -20", "detune", "gain", "clicks"], 0.01, ["delay"]),
    "f0_rca50": (["low-pass", "noise -40", "noise -20", "detune", "gain", "clicks"], 0.01, ["delay"]),
    "f0_median_cents": (["low-pass", "noise -40", "noise -20", "delay", "gain", "clicks"], 0.2, ["detune"]),
    "voicing_recall": (["low-pass", "noise -40", "noise -20", "detune", "delay", "gain", "clicks"], 0.01, []),
    "loudness_l1_db": (["detune"], 0.1, ["noise -40", "clicks", "low-pass", "noise -20", "gain"]),
    "harmonics_l1_db": (["clicks"], 0.1, ["noise -40", "noise -20", "delay", "gain"]),
    "onset_f": (["noise -40", "detune", "delay", "gain"], 0.05, ["clicks"]),
    "loudness_r": (["low-pass", "noise -40", "detune", "gain"], 0.005, ["clicks", "noise -20", "delay"]),
    "ltas_db": (["delay", "gain"], 0.4, ["noise -40", "noise -20", "low-pass"]),
    "kad_mfcc": (["delay", "gain"], 0.1, ["noise -40", "noise -20", "low-pass"]),
    "leap_frames": (["low-pass", "noise -40", "noise -20", "detune", "delay", "gain", "clicks"], 0, []),
}


def test_the_sound_itself_has_the_ideal_value_exactly(table):
    for key in HEARD:
        exact = key != "loudness_r"  # a correlation of a track with itself is 1 to the last bit but one
        assert table[key]["identity"] == (IDEAL.get(key, 0.0) if exact else pytest.approx(1.0, abs=1e-12)), key


@pytest.mark.parametrize("key", HEARD)
def test_a_metric_hears_what_it_says_in_this_order(table, key):
    deaf_to, within, order = HEARD[key]
    ideal = IDEAL.get(key, 0.0)
    losses = {name: abs(value - ideal) for name, value in table[key].items()}
    assert max((losses[name] for name in deaf_to), default=0.0) <= within, losses
    heard = [losses[name] for name in order]
    assert heard == sorted(heard) and len(set(heard)) == len(heard), losses
    assert all(loss > within for loss in heard), losses


def test_known_damages_have_known_sizes(table):
    assert table["loudness_l1_db"]["gain"] == pytest.approx(12.0, abs=1e-3)
    assert table["harmonics_l1_db"]["gain"] == pytest.approx(12.0, abs=0.01)
    assert table["f0_median_cents"]["detune"] == pytest.approx(30.0, abs=0.5)
    assert table["lsd_db"]["gain"] < 12.0, "what lies at the floor does not fall"


def test_a_distance_of_sets_orders_them_alike(table):
    losses = table["kad_mfcc of a transfer"]
    order = [losses[name] for name in ("identity", "noise -40", "noise -20", "low-pass")]
    assert order == sorted(order) and losses["gain"] == pytest.approx(losses["identity"], abs=1e-3)


def test_pitch_is_null_where_there_is_none(noise, rate, extractor, tone):
    hiss, sung = hear(noise()[None], extractor), hear(tone()[None], extractor)
    figures = reconstruction_figures(hiss, [sung], {}, extractor, 50.0)
    figures |= transfer_figures(hiss, [sung], {}, rate, None, 50.0)
    pitched = ("f0_within_50_cents", "f0_rca50", "f0_median_cents", "voicing_recall", "harmonics_l1_db", "leap_frames")
    assert {key: figures[key] for key in pitched} == dict.fromkeys(pitched)
