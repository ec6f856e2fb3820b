"""Texts of the layers become typed values: references replaced, secrets refused, every misfit of every layer noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from omniseg.errors import Problem
from omniseg.kinds import TEXT, Kind, Unfit, shown
from omniseg.secrecy import likely_secret_setting
from omniseg.settings.interpolate import Broken, Resolver
from omniseg.settings.keys import Key, keys
from omniseg.settings.layers import Entry

NO_SECRET = "no secret in settings: keep it in the environment of the program that needs it"
OPTION = Key(TEXT, many=False, optional=False)  # what every option of Spark accepts


def typed(entries: Sequence[Entry], effective: Mapping[str, Entry], problems: list[Problem]) -> dict[str, Any]:
    """The typed value of every key, from its last entry; the earlier entries are checked as well."""
    texts = {key: entry.raw for key, entry in effective.items() if isinstance(entry.raw, str) and public(key)}
    resolver = Resolver(texts)
    values: dict[str, Any] = {}
    for entry in entries:
        secrets = list(secrets_in(entry))
        problems += secrets
        if not secrets:
            values[entry.key] = converted(entry, resolver, problems)
    return values


def public(key: str) -> bool:
    """Whether a key's text may be referred to by others: no secret, and not one of Spark's options."""
    return key in keys() and not keys()[key].kind.secret


def secrets_in(entry: Entry) -> Iterator[Problem]:
    """Secrets, or references to them, in a key that is no place for them."""
    if entry.key in keys() and keys()[entry.key].kind.secret:
        return  # the key's own kind takes nothing but a reference, and never shows what it refuses
    for text in entry.raw if isinstance(entry.raw, tuple) else (entry.raw or "",):
        if secret := likely_secret_setting(text):
            yield Problem(entry.where, entry.key, f"{secret} (not shown)", NO_SECRET)
        elif "secret://" in text:
            takers = ", ".join(key for key, accepted in keys().items() if accepted.kind.secret)
            yield Problem(entry.where, entry.key, "a reference to a secret", f"a plain value; only {takers} take one")


def converted(entry: Entry, resolver: Resolver, problems: list[Problem]) -> Any:
    """The typed value of an entry; None after a problem, and for an empty optional one."""
    accepted = keys().get(entry.key, OPTION)
    try:
        return fitted(entry, accepted, resolver)
    except Broken as broken:
        # The key that is to blame reports it; whoever refers to that key has nothing to mend.
        if entry.key in broken.within:
            expected = "references to other settings"
            problems.append(Problem(entry.where, entry.key, broken.found, expected, broken.suggestion))
    except Unfit as unfit:
        problems.append(Problem(entry.where, entry.key, unfit.found, accepted.expected, unfit.suggestion))
    return None


def fitted(entry: Entry, accepted: Key, resolver: Resolver) -> Any:
    """The typed value; raises Broken or Unfit."""
    path = (entry.key,)
    if isinstance(entry.raw, tuple):
        return listed(accepted.kind, [resolver.expand(text, path=path) for text in entry.raw])
    if entry.raw is None:
        return None if accepted.optional else accepted.kind.fit(None)
    return accepted.kind.fit(resolver.expand(entry.raw, path=path))


def listed(kind: Kind[Any], texts: Sequence[str]) -> tuple[Any, ...]:
    """The typed items of a list that holds at least one, and none twice."""
    if not texts:
        raise Unfit("an empty list")
    items = [kind.fit(text) for text in texts]
    if twice := next((text for number, text in enumerate(texts) if text in texts[:number]), None):
        raise Unfit(f"{shown(twice)} twice")
    return tuple(items)
