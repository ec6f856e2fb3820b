"""Allowed functions on maps, arrays and key-value lists."""

from __future__ import annotations

from dataclasses import replace

from omniseg.expressions import convert
from omniseg.expressions.choices import Arguments, typed_call
from omniseg.expressions.datatypes import BOOLEAN, STRING, UNKNOWN, DataType, array_of, map_of
from omniseg.expressions.functions import literal
from omniseg.expressions.operators import aligned
from omniseg.expressions.parts import Part, plain
from omniseg.expressions.refusal import Refused
from omniseg.quoting import sql_text

ITEM_LIMIT = 100  # pairs of a map, elements of an array


def map_(arguments: Arguments, zone: str) -> Part:
    """A map from distinct names, written as texts, to values of one type."""
    if len(arguments) % 2:
        raise Refused(f"map with {len(arguments)} arguments", "map('name', value, …)")
    keys = [part.text for part in arguments[::2]]
    if None in keys or len(set(keys)) < len(keys):
        raise Refused("a key that is computed or given twice", "distinct keys, each written as a text")
    if not arguments:
        return plain("CAST(map() AS MAP<STRING,STRING>)", map_of(STRING))
    values = aligned(arguments[1::2], zone, text_wins=True)
    if all(value.type.kind == "null" for value in values):
        values = [convert.convert(value, STRING, zone) for value in values]
    pairs = [text for key, value in zip(arguments[::2], values, strict=True) for text in (key.sql, value.sql)]
    return plain(f"map({', '.join(pairs)})", map_of(typed_call("", values).type), *values)


def array(arguments: Arguments, zone: str) -> Part:
    """An array of values of one type."""
    values = aligned(arguments, zone, text_wins=True)
    return plain(f"array({', '.join(value.sql for value in values)})", array_of(typed_call("", values).type), *values)


def element_at(arguments: Arguments, zone: str) -> Part:
    """An array's element by position (first is 1, last -1) or a map's value by key; null where there is none."""
    container, key = arguments
    if container.type.kind not in ("array", "map", "unknown"):
        raise Refused(f"a value of type {container.type.kind}", "an array or a map")
    by_key = container.type.kind == "map" or (container.type.kind == "unknown" and key.text is not None)
    if by_key:
        key = convert.to_text(key, zone)
        return plain(f"try_element_at({container.sql}, {key.sql})", container.type.item or UNKNOWN, container, key)
    if key.literal == 0:
        raise Refused("position 0", "a position from 1, or from -1 backwards")
    at = convert.to_small(key, zone)
    return plain(f"try_element_at({container.sql}, nullif({at.sql}, 0))", container.type.item or UNKNOWN, container, at)


def array_contains(arguments: Arguments, zone: str) -> Part:
    """True where the array holds the value."""
    holder, value = arguments
    if holder.type.kind not in ("array", "unknown") or value.type.kind == "null":
        raise Refused(f"array_contains of {holder.type.kind} and {value.type.kind}", "an array and a value")
    kind = holder.type.item or STRING
    wanted = convert.to_text(value, zone) if kind.is_text else convert.convert(value, kind, zone)
    return plain(f"array_contains({holder.sql}, {wanted.sql})", BOOLEAN, holder, wanted)


def param(arguments: Arguments, zone: str) -> Part:
    """The value of a key in an array of key-value pairs, as text; of several equal keys the first counts."""
    pairs, key = arguments
    wanted = sql_text(literal(key, "key"))
    if pairs.type.kind not in ("array", "unknown"):
        raise Refused(f"a value of type {pairs.type.kind}", "an array of structs with the fields key and value")
    value = value_of(pairs.type.item)
    first = f"get(filter({pairs.sql}, pair -> pair.key = {wanted}), 0).value"
    found = [f"CAST({first}{one} AS STRING)" for one in value]
    sql = found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"
    return replace(plain(sql, STRING, pairs), path=f"param({pairs.path}, {wanted})" if pairs.path else "")


def value_of(pair: DataType | None) -> list[str]:
    """Where the value stands: in `value` itself, or in its fields string_value, int_value, …"""
    fields = dict(pair.fields) if pair is not None and pair.kind == "struct" else {}
    if pair is not None and not {"key", "value"} <= fields.keys():
        raise Refused(pair.ddl or pair.kind, "structs with the fields key and value")
    inside = fields.get("value", STRING)
    if inside.kind != "struct":
        return [""]
    names = [
        name for name, kind in inside.fields if name.endswith("_value") and kind.kind not in ("array", "map", "struct")
    ]
    if not names:
        raise Refused(inside.ddl, "a value with fields such as string_value or int_value")
    return [f".`{name}`" for name in names]
