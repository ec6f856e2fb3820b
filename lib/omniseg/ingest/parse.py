"""From what stood in a file to raw columns, with the rules that a record breaks before anyone has mapped it.

A parsed frame has the raw columns of the source and, beside them: `__file`, `__received_at`, `__position`, `__rules`
(array of broken rules, empty when fine), `__reject` (the raw text where it could not be parsed, else null) and
`__rescued` (JSON of fields that the schema does not know, else null).
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from omniseg.tables.types import struct_of, type_text

ORIGIN = ("__file", "__received_at", "__position")
PARSED = (*ORIGIN, "__rules", "__reject", "__rescued")
CORRUPT = "__corrupt"
NO_RULES = "array<string>"
BLANKS = " \t\r\n"  # what JSON allows around an object
# Numbers that Spark would read through a double on their way to text: with an exponent, or beyond 15 digits and a
# point.
INEXACT = r"[:\[,]\s*-?(?:\d+(?:\.\d+)?[eE][+-]?\d|(?=[\d.]{17})\d+\.\d)"
NUMBER = r"([:\[,]\s*)(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?=\s*[,}\]])"


def parse_json(lines: DataFrame, *, schema: str) -> DataFrame:
    """JSON Lines: `value` parsed by `schema` (DDL).

    Rules: `malformed` (not one JSON object, or a value of another type than declared), `duplicate_key` (Spark would
    let the last one win silently), `case_variant:<field>` (`ID` where `id` is declared would silently be null).
    """
    names = struct_of(schema).names
    raw, corrupt = parsed_object(schema)
    rows = lines.select(*ORIGIN, "value", raw.alias("__raw"), F.json_object_keys("value").alias("__keys"))
    rows = rows.withColumn("__corrupt", corrupt).withColumn("__unknown", unknown_keys(F.col("__keys"), names))
    corrupt = F.col("__corrupt")
    duplicate = F.size("__keys") > F.size(F.array_distinct("__keys"))
    rules = broken({"malformed": corrupt, "duplicate_key": duplicate}, case_variants(F.col("__unknown"), names))
    return rows.select(
        *(F.col("__raw").getField(name).alias(name) for name in names),
        *ORIGIN,
        rules.alias("__rules"),
        F.when(corrupt | duplicate, F.col("value")).alias("__reject"),
        F.when(F.size("__unknown") > 0, rescued_json(F.col("value"), F.col("__unknown"), duplicate)).alias("__rescued"),
    )


def parsed_object(schema: str) -> tuple[Column, Column]:
    """How `value` becomes a struct `__raw`, and the condition that it is not exactly one JSON object of the schema's
    shape.

    Spark reads the first object of a line and silently ignores what follows; inside brackets anything that follows
    shows.
    """
    value = F.col("value")
    braces = F.ltrim(value, F.lit(BLANKS)).startswith("{") & F.rtrim(value, F.lit(BLANKS)).endswith("}")
    if all(isinstance(item.dataType, T.StringType) for item in struct_of(schema)):
        # Without nesting every value fits its column, so one parse tells all.
        array = f"array<struct<{struct_text(schema)}>>"
        objects = F.coalesce(F.from_json(bracketed(exact(value)), array), F.from_json(bracketed(value), array))
        return F.when(F.size(objects) == 1, F.get(objects, F.lit(0))), F.col("__raw").isNull() | ~braces
    options = {"columnNameOfCorruptRecord": CORRUPT}
    typed = F.from_json(exact(value), f"{schema}, `{CORRUPT}` STRING", options)
    alone = F.size(F.from_json(bracketed(value), "array<string>")) == 1
    return typed, F.col(f"__raw.{CORRUPT}").isNotNull() | ~F.coalesce(alone, F.lit(False)) | ~braces


def bracketed(text: Column) -> Column:
    """A JSON text as the only element of an array."""
    return F.concat(F.lit("["), text, F.lit("]"))


def exact(text: Column) -> Column:
    """A JSON text whose numbers keep their digits: where one would not, all of its numbers are put in quotes."""
    return F.when(text.rlike(INEXACT), F.regexp_replace(text, NUMBER, '$1"$2"')).otherwise(text)


def struct_text(schema: str) -> str:
    """DDL of columns as the inside of a struct type."""
    return type_text(struct_of(schema)).removeprefix("struct<").removesuffix(">")


def unknown_keys(keys: Column, names: Sequence[str]) -> Column:
    """Keys of the record that the schema does not name; the usual case (exactly the declared ones) costs one
    comparison.
    """
    declared = F.array(*(F.lit(name) for name in names))
    return F.when((keys == declared) | keys.isNull(), F.array().cast("array<string>")).otherwise(
        F.array_except(keys, declared)
    )


def case_variants(unknown: Column, names: Sequence[str]) -> Column:
    """`case_variant:<field>` for each unknown key that differs from a declared one only by case."""
    lowered = F.create_map(*(F.lit(text) for name in names for text in (name.lower(), name)))
    variants = F.filter(F.transform(unknown, lambda key: lowered[F.lower(key)]), lambda name: name.isNotNull())
    return F.transform(variants, lambda name: F.concat(F.lit("case_variant:"), name))


def rescued_json(value: Column, unknown: Column, duplicate: Column) -> Column:
    """JSON of the unknown top-level fields; nothing where keys repeat (a map cannot hold them)."""
    everything = F.from_json(value, "map<string,string>")
    kept = F.map_filter(everything, lambda key, _: F.array_contains(unknown, key))
    return F.when(~duplicate, F.to_json(kept))


def broken(rules: dict[str, Column], more: Column) -> Column:
    """The names of the rules that hold for a row, followed by the array `more`."""
    named = F.array(*(F.when(condition, F.lit(name)) for name, condition in rules.items()))
    return F.concat(F.array_compact(named), more)


def parse_columns(rows: DataFrame, *, known: Sequence[str]) -> DataFrame:
    """CSV, Parquet, Delta and text: the known columns stay, others go to `__rescued`, a corrupt CSV record breaks
    `malformed`.
    """
    present = [name for name in rows.columns if name not in (*ORIGIN, CORRUPT)]
    unknown = [name for name in present if name not in known]
    corrupt = F.col(CORRUPT) if CORRUPT in rows.columns else F.lit(None).cast("string")
    rescued = F.to_json(F.struct(*(quoted(name) for name in unknown))) if unknown else F.lit(None).cast("string")
    missing = F.lit(None).cast("string")
    return rows.select(
        *((quoted(name) if name in present else missing).alias(name) for name in known),
        *ORIGIN,
        broken({"malformed": corrupt.isNotNull()}, F.array().cast(NO_RULES)).alias("__rules"),
        corrupt.alias("__reject"),
        F.when(rescued != "{}", rescued).alias("__rescued"),
    )


def quoted(name: str) -> Column:
    """A top-level column whose name may hold dots or spaces."""
    escaped = name.replace("`", "``")
    return F.col(f"`{escaped}`")
