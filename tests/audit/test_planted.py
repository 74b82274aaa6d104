"""Ten kinds of fault in five kinds of material: nearly all are found, and clean recordings are left in peace."""

import pytest
from support.planted import FAULTS, false_alarms, judge, recall, table


@pytest.mark.parametrize("seeds", [(0, 1)], ids=str)
def test_planted_faults_are_found_and_clean_recordings_are_not_accused(params, tmp_path, seeds):
    verdicts = judge(params("x"), tmp_path, 6.0, seeds)
    print(f"\n{table(verdicts)}")
    planted = [verdict for verdict in verdicts if verdict.fault]
    assert recall(planted) >= 95.0, table(verdicts)
    for fault in FAULTS:
        assert recall([verdict for verdict in planted if verdict.fault == fault]) >= 80.0, table(verdicts)
    assert false_alarms([verdict for verdict in verdicts if not verdict.fault]) <= 2.0, table(verdicts)
