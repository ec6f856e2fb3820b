"""`python -m omniseg` is the command `omniseg`."""

from __future__ import annotations

from omniseg.cli import entry

entry()
