"""The packaged configuration folder, and files named by a setting.

The folder is `omniseg/conf` inside an installed package (a wheel, also as a zip on the Python path), otherwise the
`conf/` of the checkout. A setting names a file in it as `conf:NAME`, which works from any working directory; every
other path is taken as given, relative to the working directory.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from omniseg.errors import ConfigError, Problem

if sys.version_info >= (3, 11):
    from importlib.resources.abc import Traversable
else:
    from importlib.abc import Traversable

__all__ = ["PACKAGED", "Traversable", "conf_dir", "conf_path", "conf_text", "label", "locate"]

PACKAGED = "conf:"


def conf_dir() -> Traversable:
    """The packaged configuration folder; raises ConfigError where the installation lacks it."""
    checkout = Path(__file__).resolve().parents[3] / "conf"
    candidates: list[Traversable] = [files("omniseg") / "conf", checkout]
    for folder in candidates:
        if (folder / "base.yml").is_file():
            return folder
    raise ConfigError([Problem("installation", "conf", "no base.yml", "omniseg installed with its conf folder")])


def conf_path(name: str) -> Traversable:
    """A file or folder below the configuration folder, which `name` cannot leave; it may or may not exist."""
    place = conf_dir()
    for part in name.split("/"):
        if part in ("", ".", "..") or "\\" in part:
            raise ConfigError([Problem(PACKAGED + name, "file", f"the part {part!r}", "names below conf, joined by /")])
        place = place / part
    return place


def conf_text(name: str) -> str:
    """The text of a file in the configuration folder, such as `features.yml`."""
    return conf_path(name).read_text(encoding="utf-8")


def locate(path: str) -> Traversable:
    """The file or folder that a setting names: `conf:NAME` in the configuration folder, else a path as given."""
    return conf_path(path.removeprefix(PACKAGED)) if path.startswith(PACKAGED) else Path(path)


def label(path: str) -> str:
    """What messages call the file that a setting names."""
    return f"conf/{path.removeprefix(PACKAGED)}" if path.startswith(PACKAGED) else path
