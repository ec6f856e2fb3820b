"""The page docs/commands.md, made from the catalogue of commands and the errors, so that it cannot grow old."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterable, Iterator

from omniseg.commands.catalogue import COMMANDS, GROUPS
from omniseg.commands.command import Argument, Command
from omniseg.errors import OmnisegError

INTRO = """# Commands

Made from `lib/omniseg/commands/catalogue.py`; a test compares the two. Each command is also a file in `jobs/` for
`spark-submit`, with the same options, exit codes and last line.

    omniseg [--env NAME] [--conf FILE] [--set KEY=VALUE …] COMMAND [OPTIONS]

A setting comes from the strongest of: `--set KEY=VALUE`, the environment (`OMNISEG_SECTION__KEY`), the file of
`--conf`, `conf/NAME.yml` of `--env NAME`, `conf/base.yml`. Results go to stdout, progress and refusals to stderr.

Commands that write to the warehouse take its lock: one such run at a time, a second one ends with exit code 9.
"""

LAST_LINE = """## The last line

Every command ends with one line of JSON on stdout, for programs:

    {"run_id": "ingest-20170930T040000-1a2b3c", "command": "ingest", "as_of": "2017-09-30", "status": "ok",
     "exit_code": 0, "seconds": 12.345, "snapshot_id": null,
     "counts": {"till": {"read": 4021, "accepted": 4020, "duplicates": 0, "quarantined": 1, "suppressed": 0}}}

(broken into three lines here). `status`: `ok`, `nothing_new`, `refused`, `interrupted` or `bug`. A command that was
refused before it became a run has `"run_id": null`. `counts`: per source, in rows; read = accepted + duplicates +
quarantined + suppressed.
"""

# Codes that no class of errors stands for.
OTHER_CODES = {
    0: "Done, or nothing new to do.",
    1: "A bug, or Spark itself failed; the only end with a stack trace.",
    130: "Interrupted from the keyboard.",
}


def page(shared: argparse.ArgumentParser) -> str:
    """The whole page; `shared` holds the options that every command takes."""
    return "\n".join([INTRO, shared_section(shared), *map(group_section, GROUPS), codes_section(), LAST_LINE])


def shared_section(shared: argparse.ArgumentParser) -> str:
    """The options of every command."""
    rows = [(f"{item.option_strings[0]} {value_of(item)}".strip(), item.help or "") for item in options(shared)]
    return section("## Options of every command, before or after its name", ("option", "meaning"), rows)


def value_of(option: argparse.Action) -> str:
    """The word for the value of an option; '' for a switch."""
    return str(option.metavar or "/".join(option.choices or ()))


def options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The options of a parser; argparse has no public list of them."""
    return [action for action in parser._actions if action.option_strings]


def group_section(group: str) -> str:
    """All commands of one group."""
    return "\n".join([f"## {group}", "", *(command_section(item) for item in COMMANDS.values() if item.group == group)])


def command_section(command: Command) -> str:
    """One command: what it does, what it may not do at the same time, its options."""
    lock = " Takes the lock." if command.locks else ""
    said = inspect.getdoc(command.function) or ""
    text = f"### `{usage(command)}`\n\n{command.help[0].upper()}{command.help[1:]}.{lock}\n\n{said}\n"
    rows = [(name(item), meaning(item)) for item in command.arguments if item.details.get("help")]
    return f"{text}\n{table(('option', 'meaning'), rows)}\n" if rows else text


def usage(command: Command) -> str:
    """The command as it is typed; what may be left out stands in brackets."""
    words = [
        name(item) if item.details.get("required") or needed(item) else f"[{name(item)}]" for item in command.arguments
    ]
    return f"omniseg {command.name}" + "".join(f" {word}" for word in words)


def needed(argument: Argument) -> bool:
    """True for a word that has to stand there."""
    return not argument.flags[0].startswith("-") and argument.details.get("nargs") != "?"


def name(argument: Argument) -> str:
    """An option with the word for its value, or the word alone."""
    value = argument.details.get("metavar") or "/".join(argument.details.get("choices", ()))
    return f"{argument.flags[0]} {value}".strip() if argument.flags[0].startswith("-") else str(value)


def meaning(argument: Argument) -> str:
    """The help text of an option."""
    return str(argument.details["help"])


def codes_section() -> str:
    """The exit codes, each with what the class of errors says of itself."""
    return section("## Exit codes", ("code", "meaning"), [(str(code), text) for code, text in sorted(codes())])


def codes() -> Iterator[tuple[int, str]]:
    """(exit code, meaning), in no order."""
    yield from OTHER_CODES.items()
    for kind in OmnisegError.__subclasses__():
        yield kind.exit_code, " ".join((kind.__doc__ or "").split())


def section(title: str, head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    """A heading and a table."""
    return f"{title}\n\n{table(head, rows)}\n"


def table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    """A table in Markdown, the first column as code."""
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{left}` | {right} |" for left, right in rows)])
