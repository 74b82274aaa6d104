"""Stopping between two steps."""

import os
import signal
import threading

import pytest

from timbre.training.stopping import Stopped, StopRequest


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_a_signal_is_only_noted_until_somebody_asks(number):
    before = signal.getsignal(number)
    with StopRequest() as stop:
        stop.check()
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.requested
        with pytest.raises(Stopped):
            stop.check()
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("first", (signal.SIGINT, signal.SIGTERM))
def test_a_second_ctrl_c_stops_at_once_and_a_second_sigterm_does_not(first):
    with StopRequest():
        os.kill(os.getpid(), first)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_in_another_thread_it_does_nothing():
    before, seen = signal.getsignal(signal.SIGINT), []

    def enter() -> None:
        with StopRequest() as stop:
            seen.append(stop.requested)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [False]
    assert signal.getsignal(signal.SIGINT) is before
