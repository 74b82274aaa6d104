import numpy as np
import pandas as pd
import pyloudnorm
import pytest
import soundfile

RATE_HZ = 48_000


@pytest.fixture(scope="module")
def faulty(corpus):
    return lambda name: soundfile.read(corpus / "raw" / "takes_with_faults" / name)[0]


def test_every_fault_is_written_down(corpus):
    table = pd.read_csv(corpus / "truth" / "faults.csv")
    assert list(table.columns) == ["file", "fault", "detail"]
    on_disk = {f"takes_with_faults/{path.name}" for path in (corpus / "raw" / "takes_with_faults").iterdir()}
    assert set(table.file) == on_disk
    assert len(on_disk) == 8 and table.fault.is_unique


def test_clipped_has_runs_at_full_scale(faulty):
    full = np.abs(faulty("clipped.flac")) > 0.99999
    assert np.mean(full) > 0.01
    assert np.sum(full[2:] & full[1:-1] & full[:-2]) > 100


def test_dc_offset_has_a_mean(faulty):
    assert np.mean(faulty("dc_offset.flac")) == pytest.approx(0.05, abs=0.002)


def test_dual_mono_has_equal_channels(faulty):
    audio = faulty("dual_mono.wav")
    assert audio.shape[1] == 2 and np.array_equal(audio[:, 0], audio[:, 1])


def test_inverted_phase_cancels(faulty):
    audio = faulty("inverted_phase.flac")
    assert np.corrcoef(audio.T)[0, 1] == pytest.approx(-1)
    assert np.max(np.abs(audio.sum(axis=1))) < 1e-6


def test_upsampled_is_empty_above_8_khz(faulty):
    audio = faulty("upsampled_from_16k.flac")
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) ** 2
    frequencies_hz = np.fft.rfftfreq(len(audio), 1 / RATE_HZ)
    assert 10 * np.log10(power[frequencies_hz > 8_200].sum() / power.sum()) < -90


def test_duplicate_has_the_samples_of_the_original(corpus, faulty):
    original = soundfile.read(corpus / "raw" / "session_a" / "take_01.flac")[0]
    assert np.array_equal(faulty("duplicate_of_take_01.flac"), original)


def test_very_quiet_is_very_quiet(faulty):
    assert -62 < pyloudnorm.Meter(RATE_HZ).integrated_loudness(faulty("very_quiet.flac")) < -53


def test_truncated_does_not_decode_to_its_end(corpus):
    path = corpus / "raw" / "takes_with_faults" / "truncated.flac"
    promised = soundfile.info(path).frames
    assert promised == 12 * RATE_HZ
    try:
        decoded = len(soundfile.read(path)[0])
    except soundfile.LibsndfileError:
        decoded = 0
    assert decoded < promised


def test_faulty_takes_are_of_their_own_material(corpus, clean_takes, faulty):
    clean = [audio[: 3 * RATE_HZ] for audio, _ in clean_takes]
    for name in ("dc_offset.flac", "upsampled_from_16k.flac"):
        audio = faulty(name)[: 3 * RATE_HZ]
        assert max(abs(np.corrcoef(audio, other)[0, 1]) for other in clean) < 0.3
