"""files.csv, before anything is read and written by it."""

import pandas as pd
import pytest

from timbre.errors import UserError
from timbre.normalize.run import run

WRONG = [
    ("file", "../outside.wav", r"'\.\./outside\.wav' is no name of a file below its folder"),
    ("file", "/outside.wav", "is no name of a file below"),
    ("file", "b.wav", r"b\.wav is in it twice"),
    ("duration_seconds", 0.0, r"duration_seconds of a\.wav is 0"),
    ("loudness_lufs", None, r"loudness_lufs of a\.wav is nan"),
    ("mix_true_peak_dbtp", "inf", r"mix_true_peak_dbtp of a\.wav is inf"),
    ("channel_plan", "middle", r"channel_plan of a\.wav is 'middle'"),
    ("channels", 10**30, "too large"),
]


def test_rows_that_nobody_measured_are_told_and_nothing_is_written(save, noise, normalized, tmp_path, params):
    for number, name in enumerate(("a.wav", "b.wav")):
        save(name, noise(number, seconds=0.5))
    normalized()
    files = tmp_path / "audit" / "files.csv"
    whole = pd.read_csv(files, dtype="object")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != files}
    for column, value, told in WRONG:
        table = whole.copy()
        table.loc[table["file"] == "a.wav", column] = value
        table.to_csv(files, index=False)
        with pytest.raises(UserError, match=told):
            run(params(), files, tmp_path / "out")
        after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != files}
        assert after == before
