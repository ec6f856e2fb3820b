"""Fault points in the shared session, where an exception stands for the death of the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from omniseg import faults


@contextmanager
def crash_at(point: str) -> Iterator[None]:
    """What is done here must end at this point."""
    with pytest.MonkeyPatch.context() as armed:
        armed.setenv(faults.MODE, "raise")
        armed.setenv(faults.VARIABLE, point)
        with pytest.raises(faults.SimulatedCrash, match=point):
            yield
