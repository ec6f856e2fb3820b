"""Deliver a made-up omnichannel retailer, of which everything is known.

Reads: nothing.
Writes: the landing zone, and the truth beside it.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("simulate")
