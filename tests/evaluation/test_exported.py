"""The export folder as the evaluation reads it."""

import json

import pytest

from timbre.errors import UserError
from timbre.evaluation.exported import load_exported


def test_a_missing_or_damaged_export_is_told(project):
    folder = project / "models/export"
    assert load_exported(folder).player.delay_samples == 100
    (folder / "model.ts").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"is not the file that .*model\.json tells of: 7 bytes"):
        load_exported(folder)
    (folder / "model.ts").unlink()
    with pytest.raises(UserError, match=r"model\.ts is missing"):
        load_exported(folder)
    (folder / "model.json").unlink()
    with pytest.raises(UserError, match=r"model\.json is missing"):
        load_exported(folder)


def test_defaults_are_the_files_and_what_is_neutral_the_contracts(with_knobs):
    model = load_exported(with_knobs / "models/export")
    names = ["input_gain_db", "harmonic_noise_balance"]
    assert model.defaults == dict(zip(names, [6.0, 0.0], strict=True))
    assert model.neutral == dict.fromkeys(names, 0.0)
    assert model.adapts


def test_a_description_of_another_file_is_told(with_knobs):
    path = with_knobs / "models/export/model.json"
    contract = json.loads(path.read_text())
    path.write_text(json.dumps(contract | {"controls": contract["controls"][:1]}))
    with pytest.raises(UserError, match="different controls"):
        load_exported(path.parent)
