"""Waits for a condition, with an end."""

import time

WAIT_SECONDS = 30


def until(condition, what, seconds=WAIT_SECONDS, step=0.01):
    """The condition's value when it is true; fails with `what` was waited for, otherwise."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what() if callable(what) else what} did not come"
        time.sleep(step)
