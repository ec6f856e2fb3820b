"""What accepted expressions compute on real Spark frames: conversions, time zones, and which nulls count as
unreadable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from omniseg.expressions import Compiled, column, compile_expression, trusted, unreadable
from omniseg.expressions.catalogue import SIMPLE
from omniseg.expressions.literals import DAY_RUNS, FRACTION_RUNS, WEEKDAY_RUNS, ZONE_RUNS
from omniseg.expressions.special import SPECIAL
from tests.expressions.samples import ACCEPTED, CALLS, COLUMNS, DDL, ROWS

CHUNK = 40  # expressions in one job


@dataclass(frozen=True)
class Case:
    """An expression over one text column (written @), that column's value, and what comes out, printed as text."""

    text: str
    given: str | None
    result: str | None
    lost: bool = False  # the null is an unreadable one
    zone: str = "UTC"
    want: str | None = None


def lost(text: str, given: str | None, *, zone: str = "UTC", want: str | None = None) -> Case:
    """A case in which the value cannot be read."""
    return Case(text, given, None, lost=True, zone=zone, want=want)


BERLIN = "Europe/Berlin"
MONEY = "DECIMAL(18,4)"
CASES = {
    # D06, D07: money
    "text_becomes_money": Case("@", "12.50", "12.5000", want=MONEY),
    "spaces_around_a_number": Case("@", " 12.5\t", "12.5000", want=MONEY),
    "half_a_cent_rounds_up": Case("cast(@ as decimal(10,2))", "0.005", "0.01"),
    "half_a_cent_rounds_away_from_zero": Case("cast(@ as decimal(10,2))", "-0.005", "-0.01"),
    "minus_zero_is_zero": Case("@", "-0.0", "0.0000", want=MONEY),
    "scientific_notation": Case("@", "1.5E+3", "1500.0000", want=MONEY),
    "german_comma_is_unreadable": lost("@", "12,5", want=MONEY),
    "nan_is_unreadable": lost("@", "NaN", want=MONEY),
    "nan_is_unreadable_as_double": lost("cast(@ as double)", "nan"),
    "infinity_is_unreadable": lost("@", "Infinity", want=MONEY),
    "infinity_is_unreadable_as_double": lost("@", "-inf", want="DOUBLE"),
    "1e400_is_unreadable": lost("@", "1e400", want=MONEY),
    "1e400_is_unreadable_as_double": lost("cast(@ as double)", "1e400"),
    "1e-400_is_unreadable_not_zero": lost("@", "1e-400", want=MONEY),
    "exponent_that_hangs_spark": lost("@", "1e-9999999", want=MONEY),
    "exponent_that_kills_spark": lost("@", "1e-2000000000", want=MONEY),
    "a_thousand_digits": lost("@", "9" * 1_000, want=MONEY),
    "too_large_for_the_column": lost("@", "123456789012345", want=MONEY),
    "largest_of_the_column": Case("@", "99999999999999.9999", "99999999999999.9999", want=MONEY),
    "computed_infinity_is_unreadable": lost("exp(cast(@ as int))", "1000", want=MONEY),
    "computed_nan_is_unreadable": lost("pow(cast(@ as int), 0.5)", "-1", want=MONEY),
    "root_of_a_negative": lost("sqrt(@)", "-4"),
    "logarithm_of_zero": lost("ln(@)", "0"),
    "empty_text_is_no_number": lost("@", "", want=MONEY),
    "absent_text_is_no_failure": Case("@", None, None, want=MONEY),
    "id_of_19_digits_stays_exact": Case("cast(@ as bigint)", "9223372036854775807", "9223372036854775807"),
    "id_of_20_digits_is_unreadable_as_bigint": lost("cast(@ as bigint)", "92233720368547758070"),
    "id_as_text_keeps_its_zeros": Case("@", "000123", "000123", want="STRING"),
    "whole_number_with_decimals": lost("cast(@ as int)", "12.0"),
    # implicit numbers
    "text_compared_with_a_number": Case("@ < 0", "-3", "true"),
    "text_compared_numerically": Case("@ < 9", "10", "false"),
    "text_with_text_is_compared_as_text": Case("@ < '9'", "10", "true"),
    "text_that_is_no_number_is_unreadable_in_a_comparison": lost("@ < 0", "abc"),
    "text_in_a_list_of_numbers": Case("@ in (1, 2)", "2.0", "true"),
    "text_between_numbers": Case("@ between 1 and 20", "9", "true"),
    "text_in_arithmetic": Case("@ * 3", "1.1", "3.30000000"),
    "three_divided_by_zero": lost("@ / 0", "3"),
    "remainder_of_zero": lost("@ % 0", "3"),
    "sum_that_overflows": lost("cast(@ as bigint) + 1", "9223372036854775807"),
    "product_that_overflows": lost("cast(@ as int) * 2", "2147483647"),
    "truth_in_words": Case("@ and true", "yes", "true"),
    "no_truth_in_a_name": lost("not @", "maybe"),
    # which nulls are legitimate
    "nullif_is_legitimate": Case("nullif(@, '')", "", None),
    "nullif_before_a_cast": Case("cast(nullif(@, '') as int)", "", None),
    "nullif_before_a_cast_that_fails": lost("cast(nullif(@, '') as int)", "x"),
    "nullif_of_a_number": Case("nullif(@, 0)", "0.00", None),
    "case_without_else": Case("case when @ = 'a' then 1 end", "b", None),
    "coalesce_repairs": Case("coalesce(cast(@ as int), 0)", "x", "0"),
    "coalesce_of_failures": lost("coalesce(cast(@ as int), cast(@ as bigint))", "x"),
    "a_failure_in_a_branch_not_taken": Case("case when @ = 'a' then cast(@ as int) end", "b", None),
    "a_failure_in_the_branch_taken": lost("case when @ = 'a' then cast(@ as int) end", "a"),
    "a_failure_in_the_else_branch": lost("if(@ = 'a', null, cast(@ as int))", "b"),
    "a_failure_in_the_condition": lost("case when @ > 0 then 'sold' end", "b"),
    "a_failure_that_the_else_covers": Case("case when @ < 0 then 'return' else 'purchase' end", "b", "purchase"),
    "is_null_of_a_failure": Case("cast(@ as int) is null", "x", "true"),
    "an_element_that_is_missing": Case("element_at(split(@, ','), 3)", "a,b", None),
    "failure_inside_a_failure_counts_once": lost("cast(cast(@ as int) as string)", "x"),
    # times
    "wall_clock_in_winter": Case(
        "to_timestamp(@, 'dd.MM.yyyy HH:mm')", "15.01.2024 12:00", "2024-01-15 11:00:00", zone=BERLIN
    ),
    "wall_clock_in_summer": Case(
        "to_timestamp(@, 'dd.MM.yyyy HH:mm')", "15.07.2024 12:00", "2024-07-15 10:00:00", zone=BERLIN
    ),
    "the_hour_that_the_clock_skips": Case("to_timestamp(@)", "2025-03-30 02:30:00", "2025-03-30 01:30:00", zone=BERLIN),
    "the_last_minute_before_the_skip": Case(
        "to_timestamp(@)", "2025-03-30 01:59:00", "2025-03-30 00:59:00", zone=BERLIN
    ),
    "the_first_minute_after_the_skip": Case(
        "to_timestamp(@)", "2025-03-30 03:00:00", "2025-03-30 01:00:00", zone=BERLIN
    ),
    "the_hour_shown_twice_is_the_first": Case(
        "to_timestamp(@)", "2025-10-26 02:30:00", "2025-10-26 00:30:00", zone=BERLIN
    ),
    "a_zone_of_half_hours": Case("to_timestamp(@)", "2024-01-01T05:30", "2024-01-01 00:00:00", zone="Asia/Kolkata"),
    "utc_needs_no_shift": Case("to_timestamp(@)", "2024-01-15 12:00:00", "2024-01-15 12:00:00"),
    "z_ignores_the_zone": Case("to_timestamp(@)", "2024-01-15T12:00:00Z", "2024-01-15 12:00:00", zone=BERLIN),
    "offset_ignores_the_zone": Case(
        "to_timestamp(@)", "2024-01-15T12:00:00.5+05:30", "2024-01-15 06:30:00.5", zone=BERLIN
    ),
    "offset_without_colon": Case("to_timestamp(@)", "2024-01-15 12:00:00 -0500", "2024-01-15 17:00:00", zone=BERLIN),
    "named_zone_ignores_the_zone": Case(
        "@", "2024-01-15 12:00:00 America/New_York", "2024-01-15 17:00:00", zone=BERLIN, want="TIMESTAMP"
    ),
    "zone_letter_in_the_format": Case(
        "to_timestamp(@, 'yyyy-MM-dd HH:mm XXX')", "2024-01-15 12:00 +02:00", "2024-01-15 10:00:00", zone=BERLIN
    ),
    "cast_is_like_to_timestamp": Case(
        "cast(@ as timestamp)", "2024-07-15 12:00:00", "2024-07-15 10:00:00", zone=BERLIN
    ),
    "a_date_as_moment_is_midnight": Case("to_timestamp(@)", "2024-07-15", "2024-07-14 22:00:00", zone=BERLIN),
    "compact_format": Case("to_timestamp(@, 'yyyyMMddHHmmss')", "20240715120000", "2024-07-15 12:00:00"),
    "leap_day": Case("to_date(@)", "2024-02-29", "2024-02-29"),
    "no_leap_day": lost("to_date(@)", "2023-02-29"),
    "a_day_that_no_month_has": lost("to_timestamp(@, 'dd.MM.yyyy')", "31.02.2024"),
    "leap_second_is_unreadable": lost("to_timestamp(@)", "2016-12-31T23:59:60Z"),
    "a_time_without_a_day_is_no_moment_of_today": lost("to_timestamp(@)", "10:30"),
    "a_time_with_t_is_no_moment_of_today": lost("cast(@ as timestamp)", "T10:30"),
    "now_is_no_clock": lost("to_timestamp(@)", "now"),
    "today_is_no_clock": lost("to_date(@)", "today"),
    "epoch_is_no_date": lost("cast(@ as date)", "epoch"),
    "garbage_behind_a_date": lost("to_date(@)", "2024-01-01 garbage"),
    "a_year_is_no_date": lost("to_date(@)", "2024"),
    "date_of_a_wall_clock": Case("to_date(@)", "2024-07-01 00:30:00", "2024-07-01", zone=BERLIN),
    "date_of_an_instant_is_local": Case("to_date(@)", "2024-06-30T22:30:00Z", "2024-07-01", zone=BERLIN),
    "date_of_an_instant_in_utc": Case("to_date(@)", "2024-06-30T22:30:00Z", "2024-06-30"),
    "date_by_format_with_offset_is_local": Case(
        "to_date(@, 'yyyy-MM-dd HH:mm XXX')", "2024-06-30 22:30 Z", "2024-07-01", zone=BERLIN
    ),
    "text_of_a_moment_is_local": Case(
        "cast(to_timestamp(@) as string)", "2024-06-30T22:30:00Z", "2024-07-01 00:30:00", zone=BERLIN
    ),
    "hour_is_local": Case("hour(@)", "2024-06-30T22:30:00Z", "0", zone=BERLIN),
    "year_is_local": Case("year(to_timestamp(@))", "2023-12-31T23:30:00Z", "2024", zone=BERLIN),
    "month_starts_locally": Case("date_trunc('month', @)", "2024-06-30T22:30:00Z", "2024-06-30 22:00:00", zone=BERLIN),
    "format_is_local": Case(
        "date_format(to_timestamp(@), 'EEE HH:mm')", "2024-06-30T22:30:00Z", "Mon 00:30", zone=BERLIN
    ),
    "days_between_are_local": Case("datediff(to_timestamp(@), '2024-06-30')", "2024-06-30T22:30:00Z", "1", zone=BERLIN),
    "a_day_compared_with_text": Case("to_date(@) >= '2024-01-01'", "2024-01-01", "true"),
    "a_moment_compared_with_local_text": Case(
        "to_timestamp(@) < '2024-07-01 00:31'", "2024-06-30T22:30:00Z", "true", zone=BERLIN
    ),
    "epoch_seconds": Case("timestamp_seconds(@)", "1700000000", "2023-11-14 22:13:20", zone=BERLIN),
    "epoch_seconds_with_fraction": Case("timestamp_seconds(@)", "1700000000.1234567", "2023-11-14 22:13:20.123457"),
    "epoch_milliseconds": Case("timestamp_millis(@)", "1700000000123", "2023-11-14 22:13:20.123"),
    "milliseconds_taken_for_seconds": lost("timestamp_seconds(@)", "1700000000123"),
    "microseconds_taken_for_milliseconds": lost("timestamp_millis(@)", "1700000000123456"),
    "year_9999": Case("to_timestamp(@)", "9999-12-31T23:59:59Z", "9999-12-31 23:59:59"),
    "year_10000": lost("to_timestamp(@)", "10000-01-01T00:00:00Z"),
    "beyond_the_last_day": lost("date_add(@, 1)", "9999-12-31"),
    # texts that must survive
    "apostrophe_and_backslash": Case(r"concat(@, ' \'\\\n')", "it's \\ `x` $1 ;--", "it's \\ `x` $1 ;-- '\\\n"),
    "doubled_apostrophe": Case("'it''s'", "", "it's"),
    "raw_pattern": Case(r"regexp_extract(@, r'^(\d+)\.(\d+)$', 2)", "12.34", "34"),
    "emoji": Case("left(@, 1)", "\U0001f600x", "\U0001f600"),
    "concat_with_null_is_null": Case("concat(@, null)", "a", None),
    "concat_ws_skips_null": Case("concat_ws('|', @, null, 'b')", "a", "a|b"),
    "amount_with_currency_sign": Case(
        r"cast(regexp_replace(@, r'[^0-9.]', '') as decimal(18,4))", "EUR 12.50", "12.5000"
    ),
    "like_with_escape": Case(r"@ like '50\\%'", "50%", "true"),
    "ilike": Case("@ ilike 'ABC%'", "abcd", "true"),
    "key_of_a_json_text": Case("get_json_object(@, '$.a.b')", '{"a": {"b": 7}}', "7"),
}


@pytest.fixture(scope="module")
def results(spark: SparkSession) -> dict[str, tuple[str | None, bool]]:
    """Value as text and unreadable flag of every case, computed on one row with a column for each case."""
    names = {key: f"c{number}" for number, key in enumerate(CASES)}
    ddl = ", ".join(f"{name} STRING" for name in names.values())
    frame = spark.createDataFrame([tuple(case.given for case in CASES.values())], ddl).localCheckpoint()
    found: dict[str, tuple[str | None, bool]] = {}
    for keys in chunks(list(CASES)):
        compiled = {key: compiled_case(CASES[key], names[key]) for key in keys}
        values = [column(one).cast("string").alias(f"{names[key]}_value") for key, one in compiled.items()]
        flags = [unreadable(one).alias(f"{names[key]}_lost") for key, one in compiled.items()]
        row = frame.select(*values, *flags).first()
        assert row is not None
        found.update({key: (row[f"{names[key]}_value"], row[f"{names[key]}_lost"]) for key in keys})
    return found


def compiled_case(case: Case, name: str) -> Compiled:
    """The case's expression over its own column."""
    return compile_expression(
        case.text.replace("@", name), columns={name: "STRING"}, time_zone=case.zone, want=case.want
    )


def chunks(keys: list[str]) -> Iterator[list[str]]:
    """Keys in portions of a size that one job compiles well."""
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))


@pytest.mark.parametrize("key", CASES)
def test_result_and_readability(results, key):
    case = CASES[key]
    assert results[key] == (case.result, case.lost)


@pytest.fixture(scope="module")
def sample(spark: SparkSession) -> DataFrame:
    """The ordinary row and the hostile ones, checkpointed so that nothing is folded before it runs."""
    rows = [tuple(row[name] for name in COLUMNS) for row in ROWS]
    return spark.createDataFrame(rows, DDL).localCheckpoint()


def test_every_allowed_function_has_a_sample():
    assert CALLS.keys() == SIMPLE.keys() | SPECIAL.keys()


@pytest.fixture(scope="module", params=["UTC", "Europe/Berlin"])
def flags(request: pytest.FixtureRequest, sample: DataFrame) -> dict[str, list[tuple[int | None, bool | None]]]:
    """By accepted expression: column `i` of each row of the sample, and whether the expression was unreadable there.

    Values are computed along with it.
    """
    found: dict[str, list[tuple[int | None, bool | None]]] = {}
    for texts in chunks(ACCEPTED):
        compiled = [compile_expression(text, columns=COLUMNS, time_zone=request.param) for text in texts]
        values = [F.hash(F.to_json(F.struct(column(one).alias("v")))) for one in compiled]
        lost = [unreadable(one).alias(f"lost{number}") for number, one in enumerate(compiled)]
        rows = sample.select("i", *values, *lost).collect()
        found |= {text: [(row.i, row[f"lost{number}"]) for row in rows] for number, text in enumerate(texts)}
    return found


def test_all_that_is_accepted_runs_on_hostile_rows_and_says_whether_it_was_readable(flags):
    assert flags.keys() == set(ACCEPTED)
    for text, rows in flags.items():
        assert len(rows) == len(ROWS)
        assert {lost for _, lost in rows} <= {True, False}, text


def test_all_nulls_are_readable(flags):
    """A row without any value has nothing that could fail, whatever the expression."""
    for text, rows in flags.items():
        assert [lost for i, lost in rows if i is None] == [False], text


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_is_accepted_names_what_it_reads(sample, text):
    compiled = compile_expression(text, columns=COLUMNS)
    assert all(path.strip("`").split(".")[0].split("`")[0] in {*COLUMNS, "a"} for path in compiled.references)
    assert compile_expression(compiled.text, columns=None).references == compiled.references


def by_text(frame: DataFrame, texts: Mapping[str, str]) -> dict[str, list[Any]]:
    """The values of each named expression over the frame, row by row."""
    kinds = dict(frame.dtypes)
    compiled = [compile_expression(text, columns=kinds) for text in texts.values()]
    rows = frame.localCheckpoint().select(*(column(one).alias(f"c{place}") for place, one in enumerate(compiled)))
    found = rows.collect()
    return {name: [row[place] for row in found] for place, name in enumerate(texts)}


READ_RUNS = (*DAY_RUNS, *FRACTION_RUNS, *ZONE_RUNS)
WRITTEN_RUNS = (*DAY_RUNS, *FRACTION_RUNS, *WEEKDAY_RUNS)


@pytest.fixture(scope="module")
def read_runs(spark: SparkSession) -> dict[str, list[datetime | None]]:
    """Two texts read by each part of a format."""
    patterns = {"yyyy": "yyyy", "yy": "yy", "h": "yyyy h a", "hh": "yyyy hh a"}
    texts = {run: f"to_timestamp(s, '{patterns.get(run, f'yyyy {run}')}')" for run in READ_RUNS}
    return by_text(spark.createDataFrame([("2024 10",), ("2024",)], "s STRING"), texts)


@pytest.mark.parametrize("run", READ_RUNS)
def test_each_part_of_a_format_is_one_that_spark_reads(read_runs, run):
    assert len(read_runs[run]) == 2


@pytest.fixture(scope="module")
def written_runs(spark: SparkSession) -> dict[str, list[str | None]]:
    """A day written by each part of a format."""
    texts = {run: f"date_format(day, '{run}')" for run in WRITTEN_RUNS}
    return by_text(spark.sql("SELECT DATE'2024-03-01' AS day"), texts)


@pytest.mark.parametrize("run", WRITTEN_RUNS)
def test_each_part_of_a_format_is_one_that_spark_writes(written_runs, run):
    [shown] = written_runs[run]
    assert shown


def test_param_reads_the_first_of_equal_keys_and_any_kind_of_value(spark):
    ddl = (
        "id INT, p ARRAY<STRUCT<key STRING, value STRUCT<string_value STRING, int_value BIGINT, double_value DOUBLE>>>"
    )
    rows = [
        (1, [("page", ("home", None, None)), ("page", ("other", None, None))]),
        (2, [("x", None), ("page", (None, 9_007_199_254_740_993, None))]),
        (3, [("page", (None, None, 1.5))]),
        (4, [("page", None)]),
        (5, []),
        (6, None),
    ]
    compiled = compile_expression("param(p, 'page')", columns={"p": ddl.split("p ", 1)[1]})
    events = spark.createDataFrame(rows, ddl)
    expected = spark.createDataFrame(
        [(1, "home"), (2, "9007199254740993"), (3, "1.5"), (4, None), (5, None), (6, None)], "id INT, page STRING"
    )
    assert_df_equality(events.select("id", column(compiled).alias("page")), expected, ignore_row_order=True)


def test_declared_column_hides_the_clock(spark):
    events = spark.createDataFrame([("mine",)], "current_date STRING")
    compiled = compile_expression("current_date", columns={"current_date": "STRING"})
    expected = spark.createDataFrame([("mine",)], "today STRING")
    assert_df_equality(events.select(column(compiled).alias("today")), expected)


def test_wanted_map_of_texts(spark):
    compiled = compile_expression(
        "map('sku', sku, 'qty', qty)", columns={"sku": "STRING", "qty": "INT"}, want="MAP<STRING,STRING>"
    )
    items = spark.createDataFrame([("a", 3), (None, None)], "sku STRING, qty INT")
    expected = spark.createDataFrame(
        [({"sku": "a", "qty": "3"},), ({"sku": None, "qty": None},)], "m MAP<STRING,STRING>"
    )
    assert_df_equality(items.select(column(compiled).alias("m")), expected, ignore_nullable=True)
    assert compiled.failed_sql == "false"


def test_trusted_text_runs_as_it_is(spark):
    [row] = spark.range(1).select(trusted("id + 41 + 1").alias("answer")).collect()
    assert row.answer == 42
