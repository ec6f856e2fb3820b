"""Dry run of one declaration on its files.

Reads: the declaration, the landing zone, ops.files.
Writes: nothing.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("sources check")
