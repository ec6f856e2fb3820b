"""Options of Spark that are not free: those that the tables rest on, and those that production insists on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from omniseg.errors import Problem

EXTENSIONS = "spark.sql.extensions"
REDACTION = "spark.sql.redaction.string.regex"
OPEN_TO_ALL = "/tmp/spark-events"  # where Spark writes its event log unless told otherwise

# What the tables and promises rest on; no setting may change these.
FIXED = {
    EXTENSIONS: "io.delta.sql.DeltaSparkSessionExtension",  # others may stand beside it
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # A lower or equal transaction version would otherwise drop a write silently; we replace slices by predicate
    # instead.
    "spark.databricks.delta.replaceWhere.constraintCheck.enabled": "true",
    # Splits depend on the file alone, not on the number of cores: positions of records stay the same on any machine.
    "spark.sql.files.minPartitionNum": "1",
    # Addresses never reach the UI or the event log in plain text. Spark applies this to the text of every plan, so a
    # name is tried once, as in privacy.redact.
    REDACTION: "(?i)(?:\\G|(?<![a-z0-9._%+-]))[a-z0-9._%+-]++@[a-z0-9.-]+\\.[a-z]{2,}",
}


@dataclass(frozen=True)
class Demand:
    """One thing that production insists on: the options that decide it, and what a message says."""

    option: str  # the one that a message names
    met: Callable[[Mapping[str, str]], bool]
    expected: str
    also: tuple[str, ...] = ()  # other options that decide it

    def found(self, options: Mapping[str, str]) -> str:
        """The options that decide it, as they are."""
        names = (self.option, *self.also)
        given = [f"{name}={options[name]!r}" for name in names[1:] if name in options]
        return ", ".join([repr(options[self.option]) if self.option in options else "nothing", *given])


def exactly(option: str, value: str) -> Demand:
    """An option that has one good value."""
    return Demand(option, lambda options: options.get(option, "").lower() == value.lower(), value)


def closed_ui(options: Mapping[str, str]) -> bool:
    """No UI, or one that asks who is there and lets only some in."""
    hidden = options.get("spark.ui.enabled", "true").lower() == "false"
    guarded = options.get("spark.acls.enable", "").lower() == "true" and options.get("spark.ui.filters", "") != ""
    return hidden or guarded


def kept_log(options: Mapping[str, str]) -> bool:
    """No event log, or one in a place that somebody chose: Spark's own is open to everybody on the machine."""
    written = options.get("spark.eventLog.enabled", "false").lower() == "true"
    place = options.get("spark.eventLog.dir", OPEN_TO_ALL)
    return not written or "/" + place.removeprefix("file:").strip("/") != OPEN_TO_ALL


# Each is off in Spark unless it is set. They are looked at in the options that are in force, not in what was asked for.
DEMANDS = (
    exactly("spark.authenticate", "true"),
    exactly("spark.network.crypto.enabled", "true"),
    exactly("spark.network.crypto.cipher", "AES/GCM/NoPadding"),
    exactly("spark.network.crypto.saslFallback", "false"),
    exactly("spark.io.encryption.enabled", "true"),
    exactly("spark.io.encryption.keySizeBits", "256"),
    exactly("spark.ssl.enabled", "true"),
    Demand(
        "spark.ui.enabled",
        closed_ui,
        "false; or spark.acls.enable=true with an authenticating filter in spark.ui.filters",
        ("spark.acls.enable", "spark.ui.filters"),
    ),
    Demand(REDACTION, lambda options: options.get(REDACTION, "") != "", "a pattern"),
    Demand(
        "spark.eventLog.dir",
        kept_log,
        f"a restricted place instead of {OPEN_TO_ALL}, as spark.eventLog.enabled is true",
        ("spark.eventLog.enabled",),
    ),
)


def unmet(options: Mapping[str, str], where: str) -> list[Problem]:
    """Everything that production insists on and these options do not give; `where` tells who has to mend it."""
    return [
        Problem(where, demand.option, demand.found(options), demand.expected)
        for demand in DEMANDS
        if not demand.met(options)
    ]


def contradicted(options: Mapping[str, str], *, production: bool) -> Iterator[tuple[str, str, str]]:
    """Options of the settings that cannot be had: (option, found, expected)."""
    for name, value in options.items():
        if name == EXTENSIONS and FIXED[name] not in value.split(","):
            yield name, repr(value), f"a list with {FIXED[name]}: the tables need it"
        elif name != EXTENSIONS and name in FIXED and value != FIXED[name]:
            yield name, repr(value), f"{FIXED[name]}: the tables and promises rest on it"
    if production:
        # What also depends on options of spark-submit is judged when those are known.
        alone = [demand for demand in DEMANDS if demand.option in options and not demand.also]
        wrong = [demand for demand in alone if not demand.met(options)]
        yield from ((item.option, item.found(options), item.expected) for item in wrong)


def settled(
    asked: Mapping[str, str], defaults: frozenset[str], given: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The options of a session, and the names of those in `given` that they replace.

    `given` came with spark-submit. It gives way to what was asked for, except to our `defaults`, and to what is fixed;
    extensions of Spark are taken together.
    """
    ours = {name: value for name, value in asked.items() if name not in defaults or name not in given}
    lists = (ours.get(EXTENSIONS, ""), given.get(EXTENSIONS, ""), FIXED[EXTENSIONS])
    extensions = dict.fromkeys(name.strip() for text in lists for name in text.split(",") if name.strip())
    chosen = {**ours, **FIXED, EXTENSIONS: ",".join(extensions)}
    replaced = [name for name, value in chosen.items() if name in given and given[name] != value and name != EXTENSIONS]
    return chosen, sorted(replaced)
