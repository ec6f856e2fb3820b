"""Reading a landing zone of the Complete Journey, and its declarations, in tests."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import yaml

# The week in which Eastern clocks went forward: days end at 05:00 UTC up to March 11, at 04:00 UTC from March 12 on.
MONDAY, SUNDAY = date(2017, 3, 6), date(2017, 3, 12)
PACK = Path(__file__).parents[2] / "conf" / "packs" / "complete_journey"


def quiet(message: str) -> None:
    """Progress that nobody reads."""


def files(root: Path) -> dict[str, bytes]:
    """Every file below `root` with its content."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def state(root: Path) -> dict[str, tuple[int, int]]:
    """Every file below `root` with inode and modification time: what a reader of the landing zone would see change."""
    found = (path for path in root.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def read_csv(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text, delimiter=delimiter))


def declaration(name: str) -> dict[str, Any]:
    """One declaration of the pack, as YAML gives it."""
    return dict(yaml.safe_load((PACK / "sources" / f"{name}.yml").read_text(encoding="utf-8")))
