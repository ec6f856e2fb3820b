"""`python -m omniseg` is the command `omniseg`."""

from omniseg.cli import entry

entry()
