"""Make a project folder with settings and an example source.

Reads: the templates that come with omniseg.
Writes: the new folder.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("init")
