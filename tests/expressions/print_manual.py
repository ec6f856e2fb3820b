"""Prints docs/expressions.md anew from the allow-list: `python -m tests.expressions.print_manual`."""

from __future__ import annotations

from omniseg.expressions.manual import manual
from tests.expressions.test_manual import PAGE

if __name__ == "__main__":
    PAGE.write_text(manual(), encoding="utf-8")
