"""From what stood in a file to raw columns, with the rules that a record breaks before anyone has mapped it.

A parsed frame has the raw columns of the source and, beside them: `__file`, `__received_at`, `__position`, `__rules`
(array of broken rules, empty when fine), `__reject` (the raw text where it could not be parsed, else null) and
`__rescued` (JSON of fields that the schema does not know, else null).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from omniseg.quoting import sql_name
from omniseg.tables.types import struct_of, type_text

ORIGIN = ("__file", "__received_at", "__position")
PARSED = (*ORIGIN, "__rules", "__reject", "__rescued")
CORRUPT = "__corrupt"
BLANKS = " \t\r\n"  # what JSON allows around an object
# Fields of one record. More are an attack or a mistake, and to keep what no schema knows costs their square.
MOST_FIELDS = 2_000
# Numbers that Spark would read through a double on their way to text: with an exponent, or beyond 15 digits and a
# point. Looked for in every record: it begins with what few characters are, and takes nothing back.
INEXACT = r"[:\[,]\s*+-?+(?:[0-9]++(?:\.[0-9]++)?+[eE]|(?=[0-9.]{17})[0-9]++\.[0-9])"
NUMBER = r"([:\[,]\s*)(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?=\s*[,}\]])"


def parse_json(lines: DataFrame, *, schema: str) -> DataFrame:
    """JSON Lines: `value` parsed by `schema` (DDL).

    Rules: `malformed` (no JSON object in UTF-8, or a value of another type than declared), `duplicate_key` (Spark would
    let the last one win silently), `too_many_fields` (more than MOST_FIELDS), `case_variant:<field>` (`ID` where `id`
    is declared would silently be null).
    """
    names = struct_of(schema).names
    keys = F.json_object_keys("value")
    rows = lines.select(*ORIGIN, "value", parsed_objects(schema).alias("__object"), keys.alias("__keys"))
    raw, corrupt = one_object(schema)
    # Spark reads bytes that are no UTF-8 as a replacement character: two different identifiers would become one.
    utf8 = F.is_valid_utf8("value")
    rows = rows.select("*", F.when(utf8, raw).alias("__raw"), (corrupt | ~utf8).alias("__corrupt"))
    rows = rows.withColumn("__usual", only_declared(names))
    usual, corrupt = F.col("__usual"), F.col("__corrupt")
    rows = rows.withColumn("__unknown", F.when(~usual, F.array_except("__keys", declared_keys(names))))
    duplicate = ~usual & (F.size("__keys") > F.size(F.array_distinct("__keys")))
    wide = F.size("__keys") > MOST_FIELDS
    found = {"malformed": corrupt, "duplicate_key": duplicate, "too_many_fields": wide}
    rules = broken(found, case_variants(F.col("__unknown"), names))
    return rows.select(
        *(F.col("__raw").getField(name).alias(name) for name in names),
        *ORIGIN,
        F.when(usual & ~corrupt, no_rules()).otherwise(rules).alias("__rules"),
        F.when(corrupt | duplicate | wide, F.make_valid_utf8("value")).alias("__reject"),
        F.when((F.size("__unknown") > 0) & ~wide, rescued_json(F.col("value"), F.col("__unknown"), duplicate)).alias(
            "__rescued"
        ),
    )


def flat(schema: str) -> bool:
    """True when every column is text: without nesting every value fits its column, so one parse tells all."""
    return all(isinstance(item.dataType, T.StringType) for item in struct_of(schema))


def parsed_objects(schema: str) -> Column:
    """`value` by the schema: as the elements of an array where the schema is flat, else as one struct."""
    value = F.col("value")
    if flat(schema):
        array = f"array<struct<{struct_text(schema)}>>"
        return F.coalesce(F.from_json(bracketed(exact(value)), array), F.from_json(bracketed(value), array))
    return F.from_json(exact(value), f"{schema}, `{CORRUPT}` STRING", {"columnNameOfCorruptRecord": CORRUPT})


def one_object(schema: str) -> tuple[Column, Column]:
    """The struct in `__object`, and the condition that `value` is not exactly one JSON object of the schema's shape.

    Spark reads the first object of a line and silently ignores what follows; inside brackets anything that follows
    shows, but for what closes them.
    """
    value = F.col("value")
    braces = (value.startswith("{") & value.endswith("}")) | (
        F.ltrim(value, F.lit(BLANKS)).startswith("{") & F.rtrim(value, F.lit(BLANKS)).endswith("}")
    )
    if flat(schema):
        single = F.coalesce(F.size("__object") == 1, F.lit(False)) & F.get("__object", F.lit(0)).isNotNull()
        return F.when(single, F.get("__object", F.lit(0))), ~single | ~braces | closes_brackets(value)
    alone = F.size(F.from_json(bracketed(value), "array<string>")) == 1
    malformed = F.col(f"__object.{CORRUPT}").isNotNull() | F.col("__object").isNull()
    return F.col("__object"), malformed | ~F.coalesce(alone, F.lit(False)) | ~braces | closes_brackets(value)


def only_declared(names: Sequence[str]) -> Column:
    """True when a record has only declared keys, each once: the usual case, told by comparing counts.

    Each value that is there came from a key of its own; so as many values as keys leave no key that is unknown,
    repeated or null. Exactly the declared keys in order (some null) are usual, too.
    """
    values = reduce(add, (F.col("__raw").getField(name).isNotNull().cast("int") for name in names), F.lit(0))
    return F.coalesce((F.size("__keys") == values) | (F.col("__keys") == declared_keys(names)), F.lit(False))


def declared_keys(names: Sequence[str]) -> Column:
    """The keys that a schema names."""
    return F.array(*(F.lit(name) for name in names)).cast("array<string>")


def bracketed(text: Column) -> Column:
    """A JSON text as the only element of an array."""
    return F.concat(F.lit("["), text, F.lit("]"))


def closes_brackets(text: Column) -> Column:
    """True for `{"a":1}],[{"b":2}`: in brackets that is two arrays, of which Spark reads the first. Under the key of
    an object such a text is no JSON; few texts have a bracket behind a brace, and only these are read once more.
    """
    suspicious = F.contains(text, F.lit("]")) & text.rlike(r"\}\s*+\]")
    value = F.from_json(F.concat(F.lit('{"x":'), text, F.lit("}")), "x STRING")["x"]
    return F.coalesce(suspicious & value.isNull(), F.lit(False))


def exact(text: Column) -> Column:
    """A JSON text whose numbers keep their digits: where one would not, all of its numbers are put in quotes."""
    return F.when(text.rlike(INEXACT), F.regexp_replace(text, NUMBER, '$1"$2"')).otherwise(text)


def struct_text(schema: str) -> str:
    """DDL of columns as the inside of a struct type."""
    return type_text(struct_of(schema)).removeprefix("struct<").removesuffix(">")


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
    """The names of the rules that hold for a row, followed by the array `more` (null where there is nothing more)."""
    named = F.array(*(F.when(condition, F.lit(name)) for name, condition in rules.items()))
    return F.concat(F.array_compact(named), F.coalesce(more, no_rules()))


def no_rules() -> Column:
    """The empty list of rules."""
    return F.array().cast("array<string>")


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
        F.when(corrupt.isNotNull(), F.array(F.lit("malformed"))).otherwise(no_rules()).alias("__rules"),
        corrupt.alias("__reject"),
        F.when(rescued != "{}", rescued).alias("__rescued"),
    )


def parse_text(lines: DataFrame) -> DataFrame:
    """Lines as the only column `value`; one that is no UTF-8 breaks `malformed`."""
    corrupt = F.when(~F.is_valid_utf8("value"), F.make_valid_utf8("value"))
    return parse_columns(lines.select("value", *ORIGIN, corrupt.alias(CORRUPT)), known=["value"])


def quoted(name: str) -> Column:
    """A top-level column whose name may hold dots or spaces."""
    return F.col(sql_name(name))
