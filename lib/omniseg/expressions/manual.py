"""The reference of the expression language, printed from the allow-list: docs/expressions.md is this text."""

from __future__ import annotations

from collections.abc import Iterable

from omniseg.expressions.catalogue import GROUPS
from omniseg.expressions.compiler import CAST_TYPES
from omniseg.expressions.containers import ITEM_LIMIT
from omniseg.expressions.functions import PAD_LIMIT, signature
from omniseg.expressions.grammar import TREE_LIMIT
from omniseg.expressions.lexis import NESTING_LIMIT, TEXT_LIMIT
from omniseg.expressions.literals import DAY_RUNS, OVERLAP_LIMIT, PATTERN_LIMIT, UNITS, WEEKDAY_RUNS, ZONE_RUNS
from omniseg.expressions.operators import LIST_LIMIT
from omniseg.expressions.special import SPECIAL

INTRODUCTION = """# Expressions

Declarations of sources, quality rules and features are written in a small part of Spark's SQL. An expression is
checked before Spark starts: every name, function and literal has to be known, and a refusal says line, column and the
nearest valid name. What is not on this page does not exist: no subqueries, aggregates, windows, lambdas, user-defined
functions, clock, randomness, files or Java.

This page is printed by `omniseg.expressions.manual`; a test keeps it fresh.

## Conversions never stop a run

Everything has try semantics: what cannot be converted is null. If the whole result is null because of that, the
record breaks the rule `unreadable:<column>` and is quarantined. A null that you asked for (`nullif(x, '')`, a `case`
without `else`, a missing key, a null that was there before) is fine, and so is a failure that `coalesce` repairs. See
[the decision](decisions/0001-unreadable.md).

* Text beside a number (`qty < 0`, `price * 2`, `greatest(n, 0)`) is converted to DECIMAL(24,8); text beside a date,
  moment or truth value to that. In results of `coalesce`, `if` and `case`, text beside anything else makes everything
  text.
* Numbers in text: digits, one dot, an exponent of at most two digits. NaN, Infinity, 1e400 and 12,5 are unreadable.
* Overflow and division by zero are unreadable, and so are moments outside the years 1 to 9999.

## Time

A TIMESTAMP is an instant. Texts without an offset, dates, calendar parts (`hour`, `date_trunc`, `date_format`, …) and
the text of a moment are wall clock in the declaration's `time_zone`. Texts that carry an offset, `Z` or a zone name
are instants already. An hour that the clock skips moves forward by the skip; an hour shown twice is the first one.
Text without a format must begin with year-month-day: `10:30`, `now` and `today` are unreadable, because results may
not depend on the day of the run. Numbers become moments only through `timestamp_seconds`, `timestamp_millis` and
`timestamp_micros`.
"""


def manual() -> str:
    """The whole page, as Markdown."""
    return "\n".join([INTRODUCTION, literals_section(), operators_section(), functions_section()])


def literals_section() -> str:
    """Names, literals and limits."""
    return f"""## Names, literals, limits

* Columns: `qty`, paths into structs `context.traits.email`, `` `any other name` ``; elements `tags[0]` (first is 0),
  `props['key']`.
* Texts: `'it''s'`, `"it's"`; escapes \\\\ \\' \\" \\n \\t \\r; raw texts for patterns: `r'\\d+'`.
* Numbers: `1`, `1.5`, `1e3`; `true`, `false`, `null`; `date '2024-01-31'`, `timestamp '2024-01-31 10:00:00'`.
* Types in `cast(x as …)`: {", ".join(CAST_TYPES)}, DECIMAL(p,s).
* Limits: {TEXT_LIMIT:,} characters, {NESTING_LIMIT} brackets inside each other, {TREE_LIMIT} operators inside each
  other, lists of {LIST_LIMIT:,} values, {ITEM_LIMIT} pairs of a map, {PAD_LIMIT:,} characters of padding, patterns of
  {PATTERN_LIMIT} characters.
* Patterns are literals. No look-around, back reference or flag; no repetition of a group that holds a repetition or
  alternative; at most {OVERLAP_LIMIT} unbounded repetitions that can take the same character.
* Formats for reading: {runs(DAY_RUNS)}, S to SSSSSSSSS, {runs(ZONE_RUNS)}; for writing also {runs(WEEKDAY_RUNS)} and
  no zones.
* Units: {", ".join(UNITS)}.
"""


def operators_section() -> str:
    """Operators."""
    return """## Operators

`=` `<>` `!=` `<` `<=` `>` `>=` `<=>` · `and` `or` `not` · `in (…)` `not in (…)` · `between … and …` · `like` `ilike`
`rlike` (and `not`) · `is null` `is not null` `is true` `is false` · `+` `-` `*` `/` `%` · `||` · `case when … then …
else … end` · `cast(… as …)` and `try_cast(… as …)`, which are the same
"""


def functions_section() -> str:
    """One line for each function, in groups."""
    lines = ["## Functions", ""]
    for title, functions in GROUPS.items():
        rows = ((signature(function), function.says) for function in functions)
        lines += [f"### {title}", "", *table(rows)]
    specials = ((special.called, special.says) for special in SPECIAL.values())
    return "\n".join([*lines, "### Choices, patterns, formats, maps", "", *table(specials)]).rstrip() + "\n"


def table(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Two columns of Markdown, with an empty line behind."""
    return ["| call | gives |", "|---|---|", *(f"| `{called}` | {says} |" for called, says in rows), ""]


def runs(names: Iterable[str]) -> str:
    """Letters of a format, separated."""
    return " ".join(names)
