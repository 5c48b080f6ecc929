# SPDX-License-Identifier: BSD-3-Clause
"""Waiting for a condition, never for a time."""

import time


class WaitTimeout(Exception):
    """The condition did not come true in time."""


def wait_for(predicate, timeout, what, interval=0.02):
    """Polls until predicate() is true and returns its value; raises WaitTimeout that says `what` was awaited.

    An exception of the predicate counts as "not yet" and is named when the time is up.
    """
    deadline = time.monotonic() + timeout
    problem = None
    while True:
        try:
            value = predicate()
            problem = None
        except Exception as error:  # pylint: disable=broad-except
            value, problem = None, error
        if value:
            return value
        if time.monotonic() >= deadline:
            detail = f" (last error: {problem})" if problem else ""
            raise WaitTimeout(f"not within {timeout} s: {what}{detail}")
        time.sleep(interval)
