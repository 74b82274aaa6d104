"""What is left out."""

from timbre.audio.table import used
from timbre.audit.dataset.facts import SetFacts


def pair(file, of, seconds=600.0):
    return {"file": file, "of": of, "error_rate": 0.1, "at_seconds": 0.0, "of_at_seconds": 0.0, "seconds": seconds}


def test_the_first_of_equal_recordings_stays(judge, row):
    recordings, warnings = judge(*(row(name, pcm_sha256="same") for name in ("b.wav", "a.wav", "c.wav")))
    assert list(recordings.table["file"]) == ["b.wav", "a.wav", "c.wav"]
    assert list(recordings.table["duplicate_of"]) == ["a.wav", "", "a.wav"]
    assert [one["check"] for one in warnings if one["file"]] == ["duplicate", "duplicate"]


def test_a_held_out_recording_is_taken_from_training(judge, row):
    same = {"pcm_sha256": "same", "duration_seconds": 60.0}
    recordings, warnings = judge(
        row("a.wav", **same), row("test/z.wav", held_out=True, **same), row("b.wav", duration_seconds=6000.0)
    )
    assert list(recordings.table["duplicate_of"]) == ["test/z.wav", "", ""]
    assert [(one["file"], one["check"], one["severity"]) for one in warnings] == [("a.wav", "leak", "warning")]
    assert warnings[0]["advice"].startswith("It is the same as test/z.wav.")


def test_a_refused_copy_is_no_original(judge, row):
    recordings, _ = judge(row("a.wav", silence_percent=100.0, pcm_sha256="same"), row("b.wav", pcm_sha256="same"))
    assert list(recordings.table["duplicate_of"]) == ["", ""]


def test_what_sounds_like_a_held_out_recording_goes_and_what_sounds_like_that_too(judge, row):
    """Whichever of a pair is named first; the held-out one stays."""
    similar = [pair("c.wav", "b.wav"), pair("test/a.wav", "b.wav"), pair("e.wav", "d.wav")]
    rows = [row("test/a.wav", held_out=True), *(row(f"{name}.wav") for name in "bcdef")]
    recordings, _ = judge(*rows, facts=SetFacts(similar=similar))
    assert list(recordings.table.loc[~used(recordings.table), "file"]) == ["b.wav", "c.wav"]
    assert set(recordings.table["refused_because"]) == {"", "sounds the same as test/a.wav, which is held out"}
    assert list(recordings.why_left_out) == ["", "leak", "leak", "", "", ""]


def test_files_that_are_left_out_anyway_lead_to_nothing(judge, row):
    rows = [row("test/a.wav", held_out=True, loudness_lufs=-60.0), row("b.wav")]
    recordings, _ = judge(*rows, facts=SetFacts(similar=[pair("b.wav", "test/a.wav")]))
    assert list(used(recordings.table)) == [False, True]
