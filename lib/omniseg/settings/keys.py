"""The dotted keys that the settings have, and settings made from their values: read from the classes of `schema`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from omniseg.kinds import Kind
from omniseg.settings.schema import Settings


@dataclass(frozen=True)
class Key:
    """What one dotted key accepts."""

    kind: Kind[Any]
    many: bool  # a list
    optional: bool  # may be empty, which gives None

    @property
    def expected(self) -> str:
        """What a message says about it."""
        listed = f"a list of {self.kind.expected}" if self.many else self.kind.expected
        return f"{listed}, or nothing" if self.optional else listed


@cache
def sections() -> dict[str, dict[str, Key]]:
    """Keys by section; the keys at the top stand in section ''. `spark` and `origins` are not among them."""
    found: dict[str, dict[str, Key]] = {"": {}}
    for name, hint in get_type_hints(Settings, include_extras=True).items():
        if is_dataclass(hint) and isinstance(hint, type):
            hints = get_type_hints(hint, include_extras=True)
            found[name] = {item.name: key_of(hints[item.name]) for item in fields(hint)}
        elif get_origin(hint) is Annotated:
            found[""][name] = key_of(hint)
    return found


@cache
def keys() -> dict[str, Key]:
    """Every dotted key, in declared order."""
    return {
        f"{section}.{name}" if section else name: key
        for section, found in sections().items()
        for name, key in found.items()
    }


def key_of(hint: Any) -> Key:
    """The key that an annotation describes: tuples are lists, `| None` is optional."""
    accepted, kind = get_args(hint)
    return Key(kind, many=get_origin(accepted) is tuple, optional=NoneType in get_args(accepted))


def compose(
    values: Mapping[str, Any], spark: Mapping[str, str], spark_defaults: frozenset[str], origins: Mapping[str, str]
) -> Settings:
    """Settings from the typed values of all dotted keys."""
    hints = get_type_hints(Settings)
    parts = {
        section: hints[section](**{name: values[f"{section}.{name}"] for name in found})
        for section, found in sections().items()
        if section
    }
    top = {name: values[name] for name in sections()[""]}
    return Settings(**top, **parts, spark=dict(spark), spark_defaults=spark_defaults, origins=dict(origins))
