"""What a command is: its name, what it does, its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from omniseg.runtime import Run


@dataclass(frozen=True)
class Argument:
    """One option of a command, as argparse takes it."""

    flags: tuple[str, ...]
    details: dict[str, Any]


@dataclass(frozen=True)
class Command:
    """One command. `locks`: it writes to the warehouse, so only one such run at a time."""

    name: str
    group: str
    help: str
    function: Callable[[Run], None]
    arguments: tuple[Argument, ...] = field(default=())
    locks: bool = False


def argument(*flags: str, **details: Any) -> Argument:
    """An option; details are argparse's own words."""
    return Argument(flags, details)
