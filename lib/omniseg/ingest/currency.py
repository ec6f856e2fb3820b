"""The currency that amounts are summed in, where the settings leave it to the sources."""

from __future__ import annotations

import re
from collections.abc import Iterable

from omniseg.errors import ConfigError, Problem
from omniseg.ingest.declaration import Declaration, SourceDeclaration

LITERAL = re.compile(r"\s*'([A-Za-z]{3})'\s*")


def with_currency(business: str | None, declarations: Iterable[Declaration]) -> str | None:
    """business.currency, else the one currency that all sources with money declare; None when no source has money.

    Raises ConfigError when the sources differ, or one takes its currency from the data: sums need a common one.
    """
    if business is not None:
        return business
    sources = [item for item in declarations if isinstance(item, SourceDeclaration) and has_money(item)]
    found = {item.name: fixed_currency(item) for item in sources}
    if not found:
        return None
    if len(set(found.values())) > 1 or None in found.values():
        shown = ", ".join(f"{name}: {currency or 'from its data'}" for name, currency in sorted(found.items()))
        raise ConfigError(
            [Problem("settings", "business.currency", f"nothing, and sources with {shown}", "a currency")]
        )
    return next(iter(found.values()))


def has_money(declaration: SourceDeclaration) -> bool:
    """True when the source sets an amount or a price."""
    return bool({"amount", "unit_price"} & declaration.columns.keys())


def fixed_currency(declaration: SourceDeclaration) -> str | None:
    """The currency that a source states for all of its events: `currency: EUR`, or the expression `'EUR'`."""
    literal = LITERAL.fullmatch(declaration.columns.get("currency", ""))
    return literal[1].upper() if literal else declaration.currency
