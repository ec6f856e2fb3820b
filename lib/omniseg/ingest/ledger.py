"""Which delivered files are new: decided from the ledger `ops.files`, by content and not by date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatch

WAITING = ("_*", ".*", "*.tmp", "*.manifest.json")  # names that are not deliveries, or not yet


@dataclass(frozen=True)
class Known:
    """A delivery that the ledger has: the file as it was when it was taken (or refused)."""

    size: int
    mtime: datetime
    content_hash: str


@dataclass(frozen=True)
class Candidate:
    """A file that lies in the landing zone now."""

    path: str
    size: int
    mtime: datetime


def ready(candidate: Candidate, *, now: datetime, settle_seconds: int) -> bool:
    """False for names that wait and for files that may still grow: younger than `settle_seconds`, unless that is 0."""
    name = candidate.path.rstrip("/").rsplit("/", 1)[-1]
    waits = any(fnmatch(name, pattern) for pattern in WAITING)
    settled = settle_seconds == 0 or candidate.mtime <= now - timedelta(seconds=settle_seconds)
    return settled and not waits


def to_hash(candidates: Iterable[Candidate], known: Mapping[str, list[Known]]) -> list[Candidate]:
    """The files whose content has to be looked at: unknown paths, and known ones with another size or time."""
    return [
        candidate
        for candidate in candidates
        if not any(
            (seen.size, seen.mtime) == (candidate.size, candidate.mtime) for seen in known.get(candidate.path, [])
        )
    ]


def untaken(
    candidates: Iterable[Candidate], hashes: Mapping[str, str], known: Mapping[str, list[Known]]
) -> list[Candidate]:
    """Of the hashed files, those whose content was never taken under their path; a touched file is no delivery."""
    return [
        candidate
        for candidate in candidates
        if hashes[candidate.path] not in {seen.content_hash for seen in known.get(candidate.path, [])}
    ]
