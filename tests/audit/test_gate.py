"""The gate: what stops the line, what it says, and what it leaves behind."""

import pytest

from timbre.audit.gate import run, stops
from timbre.errors import UserError
from timbre.files import write_json


def warning(check, severity, file="", value=None, limit=None):
    return {
        "file": file, "check": check, "severity": severity, "value": value, "limit": limit, "at_seconds": None,
        "advice": "Do something.",
    }  # fmt: skip


FOUND = [
    warning("faulty", "error", value=40.0, limit=25.0),
    *(warning("hum", "warning", f"{number}.wav", 20.0, 10.0) for number in range(12)),
    warning("short", "info", "s.wav", 0.1, 1.0),
]


@pytest.fixture
def gate(params, tmp_path):
    def go(warnings, fail_on):
        audit = params("x").audit.model_copy(update={"fail_on": fail_on})
        write_json(tmp_path / "audit.json", {"warnings": warnings})
        run(params("x").model_copy(update={"audit": audit}), tmp_path / "audit.json", tmp_path / "gate.json")
        return (tmp_path / "gate.json").read_bytes()

    return go


@pytest.mark.parametrize(
    ("fail_on", "stopping"),
    [(["error"], 1), (["never"], 0), (["hum"], 12), (["short", "faulty"], 2), (["error", "hum"], 13), (["clicks"], 0)],
)
def test_what_stops_the_line(fail_on, stopping):
    assert len(stops(FOUND, fail_on)) == stopping


def test_it_names_each_finding_and_the_way_round(gate, tmp_path):
    with pytest.raises(UserError) as error:
        gate(FOUND, ["error", "hum"])
    said = str(error.value)
    assert "audit.fail_on: [error, hum]" in said and "index.html" in said
    assert "faulty (40, limit 25): Do something." in said and "hum in 0.wav (20, limit 10)" in said
    assert "and 5 findings more" in said
    assert "dvc exp run -S 'audit.fail_on=[never]'" in said and "`fail_on: [never]`" in said
    assert not (tmp_path / "gate.json").exists()


def test_what_it_leaves_is_the_same_whenever_it_is_open(gate, capsys):
    assert gate([], ["error"]) == gate(FOUND[1:], ["error"]) == gate(FOUND, ["never"]) == gate(FOUND, ["clicks"])
    said = capsys.readouterr().out
    assert "though the audit found faulty" in said and "12 warnings" in said


def test_a_missing_audit_is_made_by_the_stage_before(params, tmp_path):
    with pytest.raises(UserError, match="Run `dvc repro`"):
        run(params("x"), tmp_path / "audit.json", tmp_path / "gate.json")


@pytest.mark.parametrize(
    ("damage", "told"),
    [({"warnings": None}, "warnings: None"), ({"warnings": [{}]}, "warnings.0.check is missing"),
     ({"warnings": [warning("hum", "bad")]}, "warnings.0.severity: 'bad'")],
)  # fmt: skip
def test_a_damaged_audit_lets_nothing_through(params, tmp_path, damage, told):
    write_json(tmp_path / "audit.json", damage)
    with pytest.raises(UserError, match=rf"audit\.json: {told}"):
        run(params("x"), tmp_path / "audit.json", tmp_path / "gate.json")
    assert not (tmp_path / "gate.json").exists()
