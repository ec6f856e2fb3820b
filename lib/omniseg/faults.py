"""Places between two commits where a test may end the process, so that restart is tested and not hoped for.

A fault point is armed by the environment: `OMNISEG_CRASH_AT=silver.events.after` ends the process there as `kill -9`
would. Unarmed, a fault point is one comparison.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "OMNISEG_CRASH_AT"
MODE = "OMNISEG_CRASH_MODE"  # "kill" (default) or "raise", for tests in a shared session

# Every boundary between commits of the nightly work, in order. A test fails when one is passed that is not named here.
POINTS = (
    "ingest.bronze.before",
    "ingest.vault.before",
    "ingest.bots.before",
    "ingest.silver.before",
    "ingest.quarantine.before",
    "ingest.reference.before",
    "ingest.identities.before",
    "ingest.rates.before",
    "ingest.files.before",
    "ingest.files.after",
    "features.partials.before",
    "features.vector.before",
    "train.model.after",
    "snapshot.staged.before",
    "snapshot.manifest.before",
    "snapshot.pointer.before",
    "snapshot.pointer.after",
)


class SimulatedCrash(BaseException):
    """Stands for the death of the process in tests that share one session; no handler of `Exception` sees it."""


def crash_here(point: str) -> None:
    """End the process here if this point is armed; raises KeyError for a point that is not registered."""
    armed = os.environ.get(VARIABLE)
    if armed is None:
        return
    if point not in POINTS:
        raise KeyError(f"fault point {point!r} is not registered in faults.POINTS")
    if armed != point:
        return
    if os.environ.get(MODE) == "raise":
        raise SimulatedCrash(point)
    os.kill(os.getpid(), signal.SIGKILL)
