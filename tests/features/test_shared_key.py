"""F15: ten million events of one household on one day, beside everybody else's (`make soak`)."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from omniseg.commands.declared import feature_set
from omniseg.commands.features import features_table
from omniseg.features.measures import CUT_DAYS
from omniseg.lake.store import Lake
from omniseg.runtime import Run
from omniseg.settings.load import load_settings
from omniseg.tables import FILES, IDENTITIES, PRODUCTS, SILVER_EVENTS
from tests.benchmarks.shoppers import Shoppers, events_of, identities_of
from tests.benchmarks.test_retail import assortment

AS_OF = date(2024, 12, 31)
OTHERS = Shoppers(customers=2_000, visits=5, events=8, days=90, until=AS_OF)
SHARED = 10_000_000
HOUSEHOLD = OTHERS.customers  # the number of the one who shares
KEY = f"loyalty:v1:{sha256(f'key{HOUSEHOLD}'.encode()).hexdigest()}"
pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]


def sets(folder: Path) -> list[str]:
    """Settings: all variables of the retail pack, and what the local profile gives a laptop otherwise."""
    return [
        f"warehouse.root={folder}",
        "features.file=conf:packs/retail/features.yml",
        "consent.mode=assume",
        "consent.legal_basis=test",
        "spark.spark.master=local[2]",
    ]


def of_the_household(spark: SparkSession, buckets: int) -> DataFrame:
    """Events of as_of alone, each with an order and a session of its own, a fifth of them additions to a cart."""
    crowd = Shoppers(customers=SHARED, visits=1, events=1, days=1, until=AS_OF)
    number = F.substring("event_id", 3, 20).cast("bigint")
    moment = F.timestamp_seconds(F.lit(1_735_635_600) + number % 36_000)
    shared = {
        "event_id": F.concat(F.lit("shared-"), number),
        "event_time": moment,
        "channel": F.lit("pos"),
        "event_type": F.when(number % 5 == 0, "cart_add").otherwise("purchase"),
        "order_id": F.concat(F.lit("shared-"), number),
        "session_id": F.when(number % 3 > 0, F.concat(F.lit("shared-"), number)),
        "amount": (number % 10_000).cast("decimal(18,4)"),
        "identity_key": F.lit(KEY),
        "bucket": F.pmod(F.xxhash64(F.lit(KEY)), F.lit(buckets)).cast("int"),
        "batch_id": F.lit(1).cast("bigint"),
    }
    return events_of(spark, crowd, buckets).withColumns(shared)


def built(spark: SparkSession, folder: Path, *, crowded: bool) -> DataFrame:
    """`omniseg features` in a process of its own, with the memory of the local profile; its vectors."""
    settings = load_settings(env="local", conf=None, sets=sets(folder), environ={})
    run = Run("features", settings, {}, AS_OF, given_lake=Lake(spark, str(folder)))
    buckets = settings.lake.buckets
    everybody = Shoppers(OTHERS.customers + 1, 1, 1, OTHERS.days, AS_OF)
    run.lake.append(IDENTITIES, identities_of(spark, everybody, buckets))
    run.lake.append(PRODUCTS, assortment(spark))
    run.lake.append(SILVER_EVENTS, events_of(spark, OTHERS, buckets).withColumn("batch_id", F.lit(1).cast("bigint")))
    if crowded:
        run.lake.append(SILVER_EVENTS, of_the_household(spark, buckets))
    taken = ("made", "f", 1, run.started, "h", 1, 1, "taken", None)
    run.lake.append(FILES, spark.createDataFrame([taken], FILES.ddl))
    options = [word for text in sets(folder) for word in ("--set", text)]
    command = [sys.executable, "-m", "omniseg", "features", "--as-of", AS_OF.isoformat(), *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert json.loads(ended.stdout.splitlines()[-1])["status"] == "ok"
    return run.lake.read(features_table(feature_set(settings)))


def test_F15_one_household_with_ten_million_events(spark: SparkSession, tmp_path: Path) -> None:
    """The job ends in 4 GB; the household is counted exactly and marked; nobody else has another value."""
    calm = built(spark, tmp_path / "calm", crowded=False)
    found = built(spark, tmp_path / "shared", crowded=True)
    household = F.col("customer_id") == sha256(f"{HOUSEHOLD}".encode()).hexdigest()
    (row,) = found.where(household).collect()
    assert row[CUT_DAYS] == 1
    assert row["purchases_365d"] == pytest.approx(SHARED * 4 / 5, rel=4 * 0.016)
    assert row["monetary_365d"] == sum(number % 10_000 for number in range(SHARED) if number % 5)
    own = [name for name in calm.columns if not name.startswith("rfm_")]  # scores are places among all
    assert_df_equality(found.where(~household).select(own), calm.select(own), ignore_row_order=True)
