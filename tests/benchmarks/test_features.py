"""Features: one night and a back-fill, beside plain PySpark and DuckDB on the same events."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest
import sqlglot
from pyspark.sql import SparkSession

from omniseg.commands.declared import feature_set
from omniseg.commands.features import build, features_table
from omniseg.features.declaration import FeatureSet, Measured
from omniseg.features.spans import Span
from omniseg.lake.session import build_session
from omniseg.lake.store import Lake
from omniseg.runtime import Run
from omniseg.settings.conf import conf_path
from omniseg.settings.load import load_settings
from omniseg.tables import CUSTOMER_DAY, CUSTOMER_FEATURES, FILES, IDENTITIES, SILVER_EVENTS
from tests.benchmarks.features_page import Figures, Ours, Theirs, draw, page
from tests.benchmarks.results import peak_memory, write_section
from tests.benchmarks.shoppers import Shoppers, events_of, identities_of

CORES = 2
EVENTS = int(os.environ.get("OMNISEG_BENCH_EVENTS", "20000000"))
UNTIL = date(2024, 12, 31)
YESTERDAY = UNTIL - timedelta(days=1)
# The base vector, and more of what the contenders can calculate, too.
MORE = """
  - {name: sessions, measure: count_distinct, of: session_id, windows: [30d, 365d], description: d, unit: u}
  - {name: products, measure: count_distinct, of: product_id, windows: [90d, 365d], description: d, unit: u}
  - {name: dearest, measure: max, of: amount, windows: [365d], description: d, unit: u}
  - {name: cheapest, measure: min, of: amount, windows: [365d], description: d, unit: u}
  - {name: line_value, measure: average, of: amount, windows: [365d], description: d, unit: u}
  - {name: views, measure: count, where: "event_type = 'page_view'", windows: [30d, 365d], description: d, unit: u}
  - {name: carts, measure: count, where: "event_type = 'cart_add'", windows: [30d, 365d], description: d, unit: u}
"""


@dataclass
class Warehouse:
    """A warehouse of made-up shoppers below a folder."""

    spark: SparkSession
    folder: Path
    shoppers: Shoppers

    def run(self, as_of: date) -> Run:
        """A run of `omniseg features` with the product's own settings."""
        sets = [
            f"warehouse.root={self.folder / 'warehouse'}",
            f"features.file={self.folder / 'features.yml'}",
            "consent.mode=assume",
            "consent.legal_basis=benchmark",
        ]
        settings = load_settings(env="local", conf=None, sets=sets, environ={})
        lake = Lake(self.spark, settings.warehouse.root)
        return Run("features", settings, {"format": "table"}, as_of, given_lake=lake)

    def prepare(self) -> None:
        """Identities, and the events of all days but the last."""
        self.folder.mkdir(parents=True)
        (self.folder / "features.yml").write_text(conf_path("features.yml").read_text(encoding="utf-8") + MORE)
        run = self.run(UNTIL)
        buckets = run.settings.lake.buckets
        run.lake.append(IDENTITIES, identities_of(self.spark, self.shoppers, buckets))
        self.deliver(run, batch=1)

    def deliver(self, run: Run, batch: int) -> None:
        """The events of a batch, committed as ingest does."""
        rows = events_of(self.spark, self.shoppers, run.settings.lake.buckets).where(f"batch_id = {batch}")
        run.lake.append(SILVER_EVENTS, rows)
        taken = (f"made-{batch}", "f", 1, datetime.now(timezone.utc), "h", 1, batch, "taken", None)
        run.lake.append(FILES, self.spark.createDataFrame([taken], FILES.ddl))

    def build(self, as_of: date) -> float:
        """Seconds of `omniseg features`."""
        return seconds(lambda: build(self.run(as_of)))

    def size(self, table: str) -> int:
        """Bytes of a table's live files."""
        root = self.run(UNTIL).lake
        path = {"days": CUSTOMER_DAY, "events": SILVER_EVENTS}[table]
        return int(root.delta(path).detail().select("sizeInBytes").collect()[0][0])


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


def recomputed(features: FeatureSet, as_of: date) -> str:
    """All measured features in one SELECT over `events`: conditional sums, exact distincts, in Spark's dialect."""
    columns = [
        f"{aggregated(feature, span, as_of)} AS {feature.column(span)}"
        for feature in features.measured
        for span in feature.spans
    ]
    return f"""SELECT identity_key, {", ".join(columns)} FROM events
        WHERE identity_key IS NOT NULL AND NOT is_bot AND event_date <= DATE'{as_of}' GROUP BY identity_key"""


def aggregated(feature: Measured, span: Span, as_of: date) -> str:
    """One feature column."""
    conditions = [] if feature.where is None else [f"({feature.where.text})"]
    if span.oldest is not None:
        first = as_of - timedelta(days=span.oldest.age(as_of) - 1)
        conditions.append(f"event_date >= DATE'{first}'")
    met = " AND ".join(conditions) or "true"
    of = "1" if feature.of is None else feature.of.text
    if feature.measure in ("active_days", "days_since_last", "days_since_first"):
        of = "event_date"
    value = f"CASE WHEN {met} THEN {of} END"
    return {
        "count": f"count({value})",
        "sum": f"coalesce(sum({value}), 0)",
        "min": f"min({value})",
        "max": f"max({value})",
        "average": f"avg({value})",
        "count_distinct": f"count(DISTINCT {value})",
        "active_days": f"count(DISTINCT {value})",
        "days_since_last": f"datediff(DATE'{as_of}', max({value}))",
        "days_since_first": f"datediff(DATE'{as_of}', min({value}))",
    }[feature.measure]


def by_plain_spark(warehouse: Warehouse, features: FeatureSet) -> None:
    """One groupBy over all events."""
    run = warehouse.run(UNTIL)
    run.lake.read(SILVER_EVENTS).createOrReplaceTempView("events")
    target = str(warehouse.folder / "plain")
    warehouse.spark.sql(recomputed(features, UNTIL)).write.mode("overwrite").parquet(target)


def by_duckdb(warehouse: Warehouse, features: FeatureSet) -> None:
    """The same in DuckDB on the same Parquet files, with as many threads."""
    connection = duckdb.connect()
    connection.execute(f"SET threads = {CORES}")
    connection.execute("SET memory_limit = '8GB'")
    files = [path.removeprefix("file:") for path in warehouse.run(UNTIL).lake.read(SILVER_EVENTS).inputFiles()]
    connection.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet({files})")
    query = sqlglot.transpile(recomputed(features, UNTIL), read="spark", write="duckdb")[0]
    connection.execute(f"COPY ({query}) TO '{warehouse.folder / 'duckdb.parquet'}' (FORMAT parquet)")


def check(warehouse: Warehouse, features: FeatureSet) -> int:
    """All three found the same: how many customers have another value in any column (rounding of averages aside)."""
    names = [feature.column(span) for feature in features.measured for span in feature.spans]
    exact = [name for name in names if not name.startswith("line_value")]
    connection = duckdb.connect()
    lake = warehouse.run(UNTIL).lake
    ours = lake.read(features_table(features)).where(f"as_of = DATE'{UNTIL}'")
    ours.write.mode("overwrite").parquet(str(warehouse.folder / "ours"))
    listed = ", ".join(f"{name}::DOUBLE AS {name}" for name in exact)
    sides = [
        f"SELECT {listed} FROM read_parquet('{warehouse.folder}/{side}')"
        for side in ("ours/*.parquet", "plain/*.parquet", "duckdb.parquet")
    ]
    different = [f"SELECT count(*) FROM (({sides[0]}) EXCEPT ALL ({other}))" for other in sides[1:]]
    return max(int(connection.sql(query).fetchall()[0][0]) for query in different)


def measured(warehouse: Warehouse) -> Ours:
    """Back-fill to yesterday, one night, a second date of the same knowledge."""
    warehouse.prepare()
    backfill = warehouse.build(YESTERDAY)
    warehouse.deliver(warehouse.run(UNTIL), batch=2)
    night = warehouse.build(UNTIL)
    again = warehouse.build(UNTIL - timedelta(days=60))
    return Ours(warehouse.shoppers.number, backfill, night, again, peak_memory(warehouse.spark))


def share_of_days(spark: SparkSession, folder: Path, events: int) -> float:
    """Bytes of partials per byte of events, where an active day has so many events: a tenth of all events."""
    shoppers = Shoppers(EVENTS // 1000, 100 // events, events, 365, UNTIL)
    warehouse = Warehouse(spark, folder / f"{events} a day", shoppers)
    warehouse.prepare()
    warehouse.build(YESTERDAY)
    return warehouse.size("days") / warehouse.size("events")


def contended(warehouse: Warehouse) -> Theirs:
    """The contenders on the same events, and whether all found the same."""
    features = feature_set(warehouse.run(UNTIL).settings)
    plain = seconds(lambda: by_plain_spark(warehouse, features))
    duck = seconds(lambda: by_duckdb(warehouse, features))
    return Theirs(plain, duck, check(warehouse, features))


@pytest.mark.bench
@pytest.mark.timeout(14400)
def test_features(tmp_path: Path) -> None:
    """Warm up on few shoppers; then the last 90 days of all, half of the events, all, and three times as many, so that
    the highest memory until then is that of what was measured last.
    """
    settings = load_settings(env="local", conf=None, sets=(), environ={})
    spark = build_session("omniseg-bench", {**settings.spark, "spark.master": f"local[{CORES}]"})
    warm = Warehouse(spark, tmp_path / "warm", Shoppers(2_000, 12, 8, 365, UNTIL))
    measured(warm)
    contended(warm)
    short = Warehouse(spark, tmp_path / "short", Shoppers(EVENTS // 96, 3, 8, 90, UNTIL))
    of_short = measured(short)
    half = measured(Warehouse(spark, tmp_path / "half", Shoppers(EVENTS // 192, 12, 8, 365, UNTIL)))
    all_of_them = Warehouse(spark, tmp_path / "whole", Shoppers(EVENTS // 96, 12, 8, 365, UNTIL))
    whole, theirs = measured(all_of_them), contended(all_of_them)
    features = feature_set(all_of_them.run(UNTIL).settings)
    shares = {events: share_of_days(spark, tmp_path, events) for events in (10, 1)}
    large = Warehouse(spark, tmp_path / "large", Shoppers(EVENTS // 32, 12, 8, 365, UNTIL))
    triple, triple_duck = measured(large), seconds(lambda: by_duckdb(large, features))
    spark.stop()
    columns = len(features_table(features).columns) - len(CUSTOMER_FEATURES.columns)
    found = Figures(of_short, half, whole, theirs, triple, triple_duck, shares)
    write_section("Features", page(found, columns), cores=CORES)
    draw(whole, theirs)
    assert theirs.wrong == 0
