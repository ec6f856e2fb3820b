"""One run, source by source.

Reads: ops.runs.
Writes: nothing.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("runs show")
