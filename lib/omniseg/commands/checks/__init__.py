"""What `omniseg doctor` looks at, one function for each thing; a check says what it found and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARN, FAIL = "OK", "WARN", "FAIL"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report. `mend` is empty where there is nothing to do."""

    state: str  # OK; WARN: a run works, but look at it; FAIL: a run would end
    what: str
    found: str
    mend: str = ""
