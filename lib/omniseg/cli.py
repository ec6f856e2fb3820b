"""The command line: `omniseg COMMAND`, and the same commands as jobs for spark-submit."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from datetime import date
from typing import NoReturn

from omniseg import __version__
from omniseg.commands.catalogue import COMMANDS, GROUPS
from omniseg.commands.command import Command
from omniseg.errors import ConfigError, Problem
from omniseg.names import nearest
from omniseg.runtime import Run, execute, last_line_of_refusal, parse_date
from omniseg.settings.load import load_settings

USAGE = "omniseg [--env NAME] [--conf FILE] [--set KEY=VALUE …] COMMAND [OPTIONS]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (see docs/commands.md)."""
    rest = words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        shared, rest = shared_options().parse_known_args(words)
        if shared.version:
            print(f"omniseg {__version__}")
            return 0
        if not rest or rest[0] in ("-h", "--help", "help"):
            print(contents())
            return 0
        set_up_logging(verbose=shared.verbose, quiet=shared.quiet)
        command, remaining = find_command(rest)
        options = vars(command_parser(command).parse_args(remaining))
        settings = load_settings(env=shared.env, conf=shared.conf, sets=shared.set or (), environ=os.environ)
        run = Run(command.name, settings, {**options, "format": shared.format}, as_of_of(options))
    except ConfigError as error:
        print(f"omniseg: {error}", file=sys.stderr)
        print(last_line_of_refusal(" ".join(rest[:1]), error))
        return error.exit_code
    return execute(run, command.function, locks=command.locks)


class Parser(argparse.ArgumentParser):
    """argparse, whose complaints end like every other refusal: on stderr, with a last line on stdout."""

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError (exit code 2) instead of leaving the process."""
        raise ConfigError(f"{message} (see {self.prog} --help)")


def entry() -> None:
    """The console script."""
    sys.exit(main())


def job(name: str) -> None:
    """A job file under `jobs/` is the command of that name with the same options."""
    sys.exit(main([*name.split(), *sys.argv[1:]]))


def shared_options() -> argparse.ArgumentParser:
    """Options that every command takes, before or after its name."""
    parser = Parser(prog="omniseg", add_help=False, allow_abbrev=False)
    parser.add_argument("--env", default="local", metavar="NAME", help="overlay conf/NAME.yml (default: local)")
    parser.add_argument(
        "--conf", metavar="FILE", help="settings file over the overlay; conf:NAME = one that comes along"
    )
    parser.add_argument("--set", action="append", metavar="KEY=VALUE", help="one setting; may be repeated")
    parser.add_argument("--format", choices=("table", "json", "csv"), default="table", help="of every listing")
    parser.add_argument("--verbose", action="store_true", help="more log lines on stderr")
    parser.add_argument("--quiet", action="store_true", help="only warnings on stderr")
    parser.add_argument("--version", action="store_true", help="version of omniseg")
    return parser


def find_command(words: Sequence[str]) -> tuple[Command, list[str]]:
    """The command that the first one or two words name, and the rest; ConfigError with the nearest name otherwise."""
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in COMMANDS:
            return COMMANDS[name], list(words[length:])
    first = [name for name in COMMANDS if name.split()[0] == words[0]]
    found = " ".join(words[:2]) if first else words[0]
    close = nearest(found, COMMANDS)
    raise ConfigError([Problem("command line", "command", repr(found), f"one of {', '.join(COMMANDS)}", close)])


def command_parser(command: Command) -> Parser:
    """The options of one command."""
    parser = Parser(
        prog=f"omniseg {command.name}", description=command.help, parents=[shared_options()], allow_abbrev=False
    )
    for argument in command.arguments:
        parser.add_argument(*argument.flags, **argument.details)
    return parser


def as_of_of(options: dict[str, object]) -> date | None:
    """The date that names the run, where the command has one."""
    text = options.get("as_of")
    return parse_date(str(text), "--as-of") if text else None


def contents() -> str:
    """`omniseg --help`: a table of contents."""
    lines = ["omniseg: omnichannel event logs in, versioned customer segments out.", "", f"usage: {USAGE}", ""]
    width = max(map(len, COMMANDS)) + 1
    for group in GROUPS:
        lines.append(group)
        lines += [f"  {item.name:<{width}} {item.help}" for item in COMMANDS.values() if item.group == group]
        lines.append("")
    lines.append("Options of every command, before or after its name:")
    lines += [f"  {'  '.join(a.option_strings):<{width}} {a.help}" for a in shared_options()._actions]
    lines += ["", "omniseg COMMAND --help shows the options of a command. Exit codes: docs/commands.md"]
    return "\n".join(lines)


def set_up_logging(*, verbose: bool, quiet: bool) -> None:
    """Our progress on stderr; libraries only when they warn."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    logging.getLogger("omniseg").setLevel(level)
