"""`omniseg init DIR`: a project folder that works as it is, to be changed file by file. Needs no Spark."""

from __future__ import annotations

import shlex
from pathlib import Path

from omniseg.errors import ConfigError, Problem
from omniseg.runtime import Run
from omniseg.settings.conf import conf_text

PLACE = "@DIR@"
AS_OF = "2025-03-31"  # last day of the example
UNFIT = set("*?[]{}\\")  # a landing zone is searched by patterns, in which these mean something
# File of the project -> file of the configuration folder.
FILES = {
    "settings.yml": "init/settings.yml",
    "sources/store_orders.yml": "init/store_orders.yml",
    "landing/store_orders/store_orders_2025q1.csv": "init/store_orders_2025q1.csv",
    ".gitignore": "init/gitignore",
}


def init(run: Run) -> None:
    """Writes settings, one declaration and one example delivery into a new or empty folder; prints what to do next."""
    folder = fresh_folder(run.options["dir"])
    quoted = str(folder).replace("'", "''")  # as it stands inside single quotes of YAML
    for name, template in FILES.items():
        text = conf_text(template)
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace(PLACE, quoted) if name == "settings.yml" else text, encoding="utf-8")
        run.say(f"  {target}")
    run.say(next_commands(folder))


def fresh_folder(text: str) -> Path:
    """The absolute path of a folder that is absent or empty; ConfigError for any other."""
    folder = Path(text).expanduser().resolve()
    found = ""
    if not str(folder).isprintable() or UNFIT & set(str(folder)):
        found = f"{str(folder)!r}, with a character that is not a plain one"
    elif folder.exists() and not folder.is_dir():
        found = f"{folder}, which is a file"
    elif folder.exists() and any(folder.iterdir()):
        found = f"{folder}, which is not empty"
    if found:
        raise ConfigError([Problem("command line", "DIR", found, "a folder that does not exist yet, or an empty one")])
    return folder


def next_commands(folder: Path) -> str:
    """What a newcomer types next, ready to be copied."""
    settings = shlex.quote(str(folder / "settings.yml"))
    declaration = shlex.quote(str(folder / "sources" / "store_orders.yml"))
    return "\n".join(
        [
            "",
            "One line of the example is wrong on purpose (price n/a), to show where such lines go. Next:",
            f"  omniseg --conf {settings} sources check {declaration}",
            f"  omniseg --conf {settings} run --as-of {AS_OF}",
            f"  omniseg --conf {settings} quarantine list",
        ]
    )
