"""The retail pack: what all of its variables cost beside the columns of the engine's benchmark, on the same events."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from omniseg.commands.declared import feature_set
from omniseg.features.declaration import feature_columns
from omniseg.lake.session import build_session
from omniseg.settings.conf import conf_path
from omniseg.settings.load import load_settings
from omniseg.tables import PRODUCTS
from tests.benchmarks.results import write_section
from tests.benchmarks.shoppers import Shoppers, one_of
from tests.benchmarks.test_features import CORES, UNTIL, YESTERDAY, Warehouse

DEPARTMENTS = ("grocery", "fresh", "household", "beauty", "fashion", "sports", "garden", "media")
EVENTS = int(os.environ.get("OMNISEG_BENCH_RETAIL_EVENTS", "3840000"))
GOAL = 1.5  # times the engine's columns


class Retail(Warehouse):
    """The same shoppers with the variables of the retail pack, and a master of their products."""

    def prepare(self) -> None:
        """As the engine's benchmark; then other declarations, and the assortment."""
        super().prepare()
        (self.folder / "features.yml").write_text(conf_path("packs/retail/features.yml").read_text(encoding="utf-8"))
        run = self.run(UNTIL)
        run.lake.append(PRODUCTS, assortment(self.spark))


def assortment(spark: SparkSession) -> DataFrame:
    """The 10,000 products that shoppers buy."""
    number = F.col("id").cast("string")
    values = {
        "product_id": F.concat(F.lit("p-"), number),
        "department": one_of(DEPARTMENTS, "id", 6),
        "category": F.concat(F.lit("c-"), (F.col("id") % 200).cast("string")),
        "brand": F.concat(F.lit("b-"), (F.col("id") % 50).cast("string")),
        "list_price": F.lit(100),
        "unit_cost": F.lit(60),
        "sustainable": F.col("id") % 5 == 0,
        "valid_from": F.lit("1900-01-01"),
        "row_hash": F.lit(0),
        "record_id": F.lit("r"),
        "batch_id": F.lit(1),
    }
    columns = (values.get(one.name, F.lit(None)).cast(one.type).alias(one.name) for one in PRODUCTS.columns)
    return spark.range(10_000).select(*columns)


@dataclass(frozen=True)
class Times:
    """Seconds of a back-fill with one date, and of one night; and the columns that came of it."""

    backfill: float
    night: float
    columns: int


def timed(warehouse: Warehouse) -> Times:
    """Yesterday from nothing, then one more day."""
    warehouse.prepare()
    backfill = warehouse.build(YESTERDAY)
    warehouse.deliver(warehouse.run(UNTIL), batch=2)
    night = warehouse.build(UNTIL)
    return Times(backfill, night, len(feature_columns(feature_set(warehouse.run(UNTIL).settings))))


@pytest.mark.bench
@pytest.mark.timeout(7200)
def test_retail(tmp_path: Path) -> None:
    """Warm up with few shoppers on both sides; then the engine's columns and the pack's, one after the other."""
    settings = load_settings(env="local", conf=None, sets=(), environ={})
    spark = build_session("omniseg-bench", {**settings.spark, "spark.master": f"local[{CORES}]"})
    few, many = Shoppers(2_000, 12, 8, 365, UNTIL), Shoppers(EVENTS // 96, 12, 8, 365, UNTIL)
    timed(Warehouse(spark, tmp_path / "warm", few))
    timed(Retail(spark, tmp_path / "warm retail", few))
    engine = timed(Warehouse(spark, tmp_path / "engine", many))
    retail = timed(Retail(spark, tmp_path / "retail", many))
    spark.stop()
    write_section("Retail pack", page(many, engine, retail), cores=CORES)
    assert retail.columns >= 80


def page(shoppers: Shoppers, engine: Times, retail: Times) -> list[str]:
    """The section."""

    def row(name: str, times: Times) -> str:
        return f"| {name} | {times.columns} | {times.night:.1f} | {times.backfill:.1f} |"

    return [
        f"{shoppers.number:,} events of {shoppers.customers:,} made-up shoppers, as above, with a master of 10,000",
        "products for the pack. Session started and warm; the pack's times are with scores and their cut points.",
        "",
        "| declarations | columns | one night, s | back-fill with one date, s |",
        "|---|---:|---:|---:|",
        row("the engine's benchmark", engine),
        row("the retail pack", retail),
        "",
        "| goal | reached |",
        "|---|---|",
        f"| a night ≤ {GOAL} times the engine's columns | {retail.night / engine.night:.2f} times |",
        f"| back-fill ≤ {GOAL} times the engine's columns | {retail.backfill / engine.backfill:.2f} times |",
    ]
