"""The DDSP network, whole and as a stream."""

import numpy as np
import pytest
import torch
from support.stepping import stream

SETTINGS = {
    "16k": {},
    "16k_reverb": {"reverb_seconds": 0.1},
    "48k": {"rate": 48000, "hop": 512, "window": 2048, "noise_bands": 65},
    "48k_reverb": {"rate": 48000, "hop": 512, "window": 2048, "reverb_seconds": 0.05, "layers": 2},
    "long_window": {"hop": 64, "window": 2048},
    "taps_longer_than_a_hop": {"hop": 64, "window": 512, "noise_bands": 129, "f0_min_hz": 70.0},
}


@pytest.fixture
def make(tiny_network, tiny_features):
    def build(rate=16000, hop=128, window=1024, f0_min_hz=60.0, **preset):
        changed = {"sample_rate": rate, "hop_samples": hop, "window_samples": window, "f0_min_hz": f0_min_hz}
        return tiny_network(features=tiny_features | changed, **preset)

    return build


def sound(rate: int, samples: int, batch: int) -> torch.Tensor:
    time = np.arange(samples) / rate
    draw = np.random.default_rng(batch)
    tone = sum(np.sin(2 * np.pi * n * (150 * time + 200 * time**2)) / n for n in range(1, 6))
    gate = np.sin(2 * np.pi * 3 * time + np.arange(batch)[:, None]) > -0.4
    return torch.tensor(0.2 * tone * gate + 0.01 * draw.normal(size=(batch, samples)), dtype=torch.float32)[:, None]


@pytest.mark.parametrize("batch", (1, 2))
@pytest.mark.parametrize("setting", SETTINGS)
def test_any_blocks_equal_the_whole_later_by_the_delay(make, random_blocks, snr_db, setting, batch):
    network = make(**SETTINGS[setting])
    audio = sound(network.sample_rate, 80 * network.hop, batch)
    with torch.no_grad():
        whole = network(audio)
    assert whole.abs().max() > 0.01
    for seed in range(3):
        got = stream(network, audio, random_blocks(audio.shape[2], seed, network.hop))
        assert snr_db(whole[..., : -network.delay], got[..., network.delay :]) > 100


def test_a_sound_longer_than_a_piece_has_no_seam(make, random_blocks, snr_db):
    network = make(hop=64, window=512, f0_min_hz=70.0)
    audio = sound(16000, 1100 * 64, 1)
    with torch.no_grad():
        whole = network(audio)
    got = stream(network, audio, random_blocks(audio.shape[2], 0, 64, most=200))
    assert snr_db(whole[..., : -network.delay], got[..., network.delay :]) > 100


@pytest.mark.parametrize("samples", (1, 127, 128, 5000))
def test_the_whole_keeps_any_length(make, samples):
    network = make()
    with torch.no_grad():
        assert network(sound(16000, samples, 2)).shape == (2, 1, samples)


@pytest.mark.parametrize("setting", SETTINGS)
def test_silence_stays_exactly_silent(make, setting):
    network = make(**SETTINGS[setting])
    silence = torch.zeros(1, 1, 20 * network.hop)
    assert stream(network, silence, [4 * network.hop] * 5).abs().max() == 0
    with torch.no_grad():
        assert network(silence).abs().max() == 0


@pytest.mark.parametrize("setting", ("16k", "48k_reverb"))
def test_what_is_played_knows_nothing_of_the_future(make, setting):
    network = make(**SETTINGS[setting])
    audio = sound(network.sample_rate, 40 * network.hop, 1)
    other = audio.clone()
    other[..., 25 * network.hop :] = 0.3
    ours, theirs = (stream(network, x, [network.hop] * 40)[..., : 25 * network.hop] for x in (audio, other))
    assert torch.equal(ours, theirs)


def a_weighted_db(audio: np.ndarray, rate: int) -> float:
    """A-weighted level, by the closed form of IEC 61672-1 over one spectrum."""
    f2 = np.fft.rfftfreq(len(audio), 1 / rate)[1:] ** 2
    gain = 12194.217**2 * f2**2 / (f2 + 20.598997**2) / (f2 + 12194.217**2)
    gain /= np.sqrt((f2 + 107.65265**2) * (f2 + 737.86223**2))
    window = np.hanning(len(audio))
    power = np.abs(np.fft.rfft(audio * window)[1:]) ** 2
    return 10 * np.log10(2 * (power * gain**2).sum() / len(audio) / np.square(window).sum()) + 2.0


@pytest.mark.parametrize("f0_hz", (150.0, 220.0, 440.0, 700.0, 1000.0))
@pytest.mark.parametrize("level", (0.001, 0.2))
def test_before_training_level_and_pitch_already_follow(make, harmonic_tone, f0_hz, level):
    network = make(rate=48000, hop=512, window=2048, harmonics=40)
    audio = harmonic_tone(f0_hz, 1.0, 48000, level)
    with torch.no_grad():
        played = network(torch.from_numpy(audio)[None, None])[0, 0].numpy()
    audio, played = audio[16000:-8000], played[16000:-8000]
    assert a_weighted_db(played, 48000) == pytest.approx(a_weighted_db(audio, 48000), abs=3)
    spectrum = np.log(np.abs(np.fft.rfft(played * np.hanning(len(played)), 1 << 18)))
    near = slice(int(0.7 * f0_hz / 48000 * (1 << 18)), int(1.4 * f0_hz / 48000 * (1 << 18)))
    found_hz = (near.start + spectrum[near].argmax()) * 48000 / (1 << 18)
    assert abs(1200 * np.log2(found_hz / f0_hz)) < 5


def test_batches_do_not_mix(make, snr_db):
    network = make(reverb_seconds=0.1)
    audio = sound(16000, 6400, 2)
    with torch.no_grad():
        assert snr_db(network(audio[1:]), network(audio)[1:]) > 100


def test_a_crop_resynthesised_after_a_lead_sounds_like_the_stream_it_was_cut_from(make, snr_db):
    network = make()
    audio = sound(16000, 60 * 128, 1)
    features = [feature[:, :60] for feature in network.extractor(audio[:, 0])[:3]]
    # The network hears all that came before, so only the phase of the oscillators is the crop's own.
    with torch.no_grad():
        whole, _ = network.synthesiser.step(
            features[0], network.decoder(features), network.synthesiser.initial_state(1)
        )
        crop = network.resynthesise(features, 20, torch.tensor([20 * 128 - 128]))
    assert crop.shape == (1, 40 * 128)
    a, b = (
        np.abs(np.fft.rfft(x[0].numpy().reshape(-1, 1024) * np.hanning(1024))) for x in (whole[:, 20 * 128 :], crop)
    )
    assert np.abs(a - b).mean() < 0.2 * a.mean()


def test_noise_after_a_tone_does_not_buzz_at_its_pitch(make, harmonic_tone):
    network, rate, seconds = make(), 16000, 20
    tone = harmonic_tone(300.0, 1.0, rate)
    noise = np.random.default_rng(0).normal(size=seconds * rate) * 0.1
    with torch.no_grad():
        audio = torch.tensor(np.concatenate([tone, noise]), dtype=torch.float32)[None, None]
        played = network(audio)[0, 0, rate + 2048 :].numpy().astype("f8")
    assert np.square(played).mean() > 1e-5
    # Least squares on the harmonics of the pitch that is held: noise alone has 2 of N parts of its power on each.
    time = np.arange(len(played)) / rate
    angles = 2 * np.pi * 300.0 * np.outer(time, np.arange(1, 12))
    basis = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    fitted = basis @ np.linalg.lstsq(basis, played, rcond=None)[0]
    share_db = 10 * np.log10(np.square(fitted).sum() / np.square(played).sum())
    assert share_db < 10 * np.log10(2 * 11 / len(played)) + 3.0
