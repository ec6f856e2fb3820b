"""Every error that a user can meet, with the exit code that a scheduler sees.

An error says what was found, what was expected and what to do about it; it is shown without a stack trace. Anything
else that escapes is a bug (exit code 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file, on the command line or in the environment, in words for the person who can mend it."""

    where: str  # file:line, "--set", "environment", …
    key: str  # dotted key, column, rule or option
    found: str
    expected: str
    nearest: str = ""  # the nearest valid name, or empty

    def __str__(self) -> str:
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        return f"{self.where}: {self.key}: found {self.found}, expected {self.expected}{hint}"


class OmnisegError(Exception):
    """Base of all errors that a user can mend."""

    exit_code = 1


class ConfigError(OmnisegError):
    """The settings, a declaration or the command line are wrong; retrying cannot help. Carries all problems at once."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        self.problems: tuple[Problem, ...] = () if isinstance(problems, str) else tuple(problems)
        shown = problems if isinstance(problems, str) else "\n".join(str(p) for p in self.problems)
        super().__init__(shown)


class ContractError(OmnisegError):
    """Delivered files, or a frame about to be written, break what was declared for them."""

    exit_code = 3


class AccountingError(OmnisegError):
    """The accounting law or an invariant of the tables does not hold."""

    exit_code = 4


class ReproduceError(OmnisegError):
    """A snapshot cannot be reproduced, or a content hash is wrong."""

    exit_code = 5


class ModelRefused(OmnisegError):
    """The fitted model collapsed or is unstable, so it may not be used."""

    exit_code = 6


class AuditFailed(OmnisegError):
    """A snapshot was written but did not pass its audit; it was not published."""

    exit_code = 7


class MonitoringBreach(OmnisegError):
    """A monitored figure left its declared range."""

    exit_code = 8


class LockHeld(OmnisegError):
    """Another run holds the lock of this warehouse."""

    exit_code = 9


class EnvironmentRefused(OmnisegError):
    """Java, Spark, Delta or another part of the environment is missing, or is a version that nobody tested."""

    exit_code = 10


class StorageFailed(OmnisegError):
    """A disk is full, or a file in the log of a table is damaged or gone; what was not committed is seen by nobody."""

    exit_code = 12  # 11 is kept for an erasure whose proof failed
