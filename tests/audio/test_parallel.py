"""Results come in order, whatever the number of workers."""

import pytest

from timbre.audio.parallel import for_each
from timbre.errors import UserError


@pytest.mark.parametrize("jobs", ["", "1", "3"])
def test_order(monkeypatch, jobs):
    monkeypatch.setenv("TIMBRE_JOBS", jobs)
    assert list(for_each(pow, [(number, 2) for number in range(20)])) == [number**2 for number in range(20)]


@pytest.mark.parametrize("jobs", ["0", "-1", "many", "1.5"])
def test_wrong_number(monkeypatch, jobs):
    monkeypatch.setenv("TIMBRE_JOBS", jobs)
    with pytest.raises(UserError, match="TIMBRE_JOBS"):
        list(for_each(pow, [(1, 2)]))
