"""files.csv: written, read, and what a damaged one says."""

import numpy as np
import pytest

from timbre.audio.table import COLUMNS, read_table, to_table, write_table
from timbre.errors import UserError


def test_table_comes_back_as_it_was_written(tmp_path):
    rows = [
        {"file": 'ö, "x"\n.wav', "readable": False, "reason": "a, b", "refused": True, "held_out": False},
        {"file": "NA.wav", "readable": True, "refused": False, "held_out": True, "loudness_lufs": -20.12345,
         "environment": 2, "clipped_runs": 0, "snr_db": np.nan},
    ]  # fmt: skip
    table = to_table(rows)
    write_table(tmp_path / "files.csv", table)
    again = read_table(tmp_path / "files.csv")
    assert list(again.columns) == list(table.columns) == list(COLUMNS)
    assert (again.dtypes == table.dtypes).all()
    assert list(again["file"]) == list(table["file"])
    assert again["loudness_lufs"][1] in (-20.1234, -20.1235)
    assert again["environment"][1] == 2 and np.isnan(again["snr_db"][1])


@pytest.mark.parametrize("text", ["", "file,readable\na.wav,True\n", "a\x00b", '"'])
def test_a_damaged_table(tmp_path, text):
    (tmp_path / "files.csv").write_text(text)
    with pytest.raises(UserError, match="damaged"):
        read_table(tmp_path / "files.csv")


def test_a_missing_table(tmp_path):
    with pytest.raises(UserError, match="dvc repro audit"):
        read_table(tmp_path / "files.csv")
