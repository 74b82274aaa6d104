"""Learning rate and averaging."""

import pytest

from timbre.training.schedule import FINAL_SHARE, WARM_UP_STEPS, averaging_decay, learning_rate


@pytest.mark.parametrize("steps", (1, 10, 1000, 100_000))
def test_learning_rate_stays_between_nothing_and_its_peak(steps):
    rates = [learning_rate(step, steps, 0.01) for step in range(0, steps, max(1, steps // 500))]
    assert all(0 < rate <= 0.01 for rate in rates)


def test_learning_rate_rises_at_first_and_falls_from_then_on():
    rates = [learning_rate(step, 1000, 1.0) for step in range(1000)]
    assert rates[0] == pytest.approx(1 / WARM_UP_STEPS, rel=1e-3)
    assert rates[: WARM_UP_STEPS - 1] == sorted(rates[: WARM_UP_STEPS - 1])
    assert rates[WARM_UP_STEPS:] == sorted(rates[WARM_UP_STEPS:], reverse=True)
    assert max(rates) > 0.99
    assert learning_rate(500, 1000, 1.0) == pytest.approx((1 + FINAL_SHARE) / 2)
    assert rates[-1] == pytest.approx(FINAL_SHARE, abs=1e-3)


def test_averaging_soon_forgets_the_start_and_is_slow_in_the_end():
    decays = [averaging_decay(step, 0.995) for step in range(1, 10_000)]
    assert decays == sorted(decays)
    assert decays[0] == pytest.approx(2 / 11)
    assert decays[-1] == 0.995
    assert averaging_decay(100, 0.0) == 0.0
