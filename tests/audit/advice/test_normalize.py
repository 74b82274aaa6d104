"""Which gain: for all, by folder, by file."""

import numpy as np
import pytest

from timbre.audit.advice.normalize import advise_on_level


def takes(row, levels, floors=None):
    """A recording for each level (LUFS) of each folder."""
    return [
        row(
            f"{folder}/{number}.wav",
            loudness_lufs=level,
            noise_floor_dbfs=np.nan if floors is None else floors(level),
            snr_db=np.nan,
        )
        for folder, several in levels.items()
        for number, level in enumerate(several)
    ]


SESSIONS = {"a": [-36.0, -34.0, -35.0], "b": [-20.0, -19.0, -21.0], "c": [-12.0, -11.0, -13.0]}
MIXED = {"a": [-36.0, -20.0, -12.0], "b": [-34.0, -22.0, -12.0]}


@pytest.mark.parametrize(
    ("levels", "floors", "choose", "words"),
    [
        ({"a": [-21.0, -19.0], "b": [-20.0, -18.0]}, None, "dataset", ["2.7 LU", "normalising changes little"]),
        ({"a": [-31.0, -29.0], "b": [-30.0, -28.0]}, None, "dataset", ["learns them as dynamics."]),
        (SESSIONS, None, "group", ["3 folders lie up to 23.0 LU apart", "within 2.0"]),
        (MIXED, None, "file", ["folders do not explain it", "keep dataset"]),
        (SESSIONS, lambda level: -80.0, "dataset", ["it was played"]),
        (MIXED, lambda level: level - 50.0, "file", ["1.0 dB for each dB", "it was the gain"]),
        ({".": [-20.0]}, None, "dataset", ["One training recording, at -20.0 LUFS"]),
    ],
)
def test_the_mode(judge, row, levels, floors, choose, words):
    recordings, _ = judge(*takes(row, levels, floors))
    told = advise_on_level(recordings)
    assert told["choose"] == choose
    assert all(word in told["text"] for word in words), told["text"]
    assert told["figures"]["folders"] == len(levels) if len(levels) > 1 else True
    assert told.get("command", "") == ("" if choose == "dataset" else f"dvc exp run -S normalize.mode={choose}")
