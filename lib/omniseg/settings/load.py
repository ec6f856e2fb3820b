"""Files, environment and command line become one checked `Settings`; all mistakes of all layers come at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from omniseg.errors import ConfigError, Problem
from omniseg.kinds import shown
from omniseg.names import nearest
from omniseg.settings import yaml_strict
from omniseg.settings.conf import PACKAGED, conf_dir, label, locate
from omniseg.settings.contradictions import contradictions
from omniseg.settings.keys import compose, keys
from omniseg.settings.layers import SPARK, Entry, from_command_line, from_environment, from_tree
from omniseg.settings.schema import Settings
from omniseg.settings.values import typed

BASE = "conf/base.yml"
NOT_OVERLAYS = ("base", "features", "segments")  # other files of the configuration folder
ENVIRONMENT = re.compile(r"[a-z][a-z0-9_-]*")


def load_settings(*, env: str, conf: str | None, sets: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """The settings of a run. Precedence: base < overlay `env` < file `conf` < `environ` < `sets`.

    `conf` is a path, or `conf:NAME` for a file of the configuration folder. Raises ConfigError with every problem of
    every layer, overridden values included; no message repeats a secret.
    """
    problems: list[Problem] = []
    entries = all_entries(env, conf, sets, environ, problems)
    effective = {entry.key: entry for entry in entries}
    if not any(problem.where.startswith(BASE) for problem in problems):
        absent = [key for key in keys() if key not in effective]
        problems += [Problem(BASE, key, "nothing", keys()[key].expected) for key in absent]
    values = typed(entries, effective, problems)
    if problems:
        raise ConfigError(problems)
    spark = {key: values[key] for key in effective if key not in keys()}
    defaults = frozenset(key for key in spark if effective[key].packaged)
    settings = compose(values, spark, defaults, {key: entry.where for key, entry in effective.items()})
    if wrong := contradictions(settings):
        raise ConfigError(wrong)
    return settings


def describe(settings: Settings) -> list[tuple[str, str, str]]:
    """Every effective setting as (dotted key, value as text, the place that decided it), in declared order."""
    rows = []
    for key in keys():
        section, _, name = key.rpartition(".")
        value = getattr(getattr(settings, section) if section else settings, name)
        rows.append((key, as_text(value), settings.origins[key]))
    return rows + [(key, value, settings.origins[key]) for key, value in sorted(settings.spark.items())]


def as_text(value: object) -> str:
    """A value as it would be written after `--set key=`."""
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else str(value)


def all_entries(
    env: str, conf: str | None, sets: Sequence[str], environ: Mapping[str, str], problems: list[Problem]
) -> list[Entry]:
    """The entries of all layers, weakest first."""
    packaged = [f"{PACKAGED}base.yml", *overlay(env, problems)]
    entries = [replace(entry, packaged=True) for path in packaged for entry in from_file(path, problems)]
    entries += [] if conf is None else from_file(conf, problems)
    options = {entry.key for entry in entries if entry.key.startswith(f"{SPARK}.")}
    entries += from_environment(environ, options, problems)
    entries += from_command_line(sets, problems)
    return entries


def overlay(env: str, problems: list[Problem]) -> list[str]:
    """The overlay file of an environment."""
    names = sorted(file.name.removesuffix(".yml") for file in conf_dir().iterdir() if file.name.endswith(".yml"))
    known = [name for name in names if name not in NOT_OVERLAYS and ENVIRONMENT.fullmatch(name)]
    if env in known:
        return [f"{PACKAGED}{env}.yml"]
    problems.append(Problem("--env", "env", shown(env), f"one of {', '.join(known)}", nearest(env, known)))
    return []


def from_file(path: str, problems: list[Problem]) -> list[Entry]:
    """The entries of one file; what cannot be read is noted."""
    try:
        return from_tree(yaml_strict.load(locate(path), label(path)), problems)
    except ConfigError as error:
        problems += error.problems
        return []
