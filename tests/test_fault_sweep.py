"""Every fault point × 5 seeds, by a real SIGKILL (`make soak`): the tables of one unharmed run, counted as multisets.

Of each seed the first night is made once. On the second night every point ends one process; each attempt goes on where
the last one died, as a scheduler's retries would. The result is written to docs/reliability.md by the run itself.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg import faults
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.tables import EXCHANGE_RATES, LOCKS, SEGMENT_SNAPSHOTS, SILVER_EVENTS
from tests.conftest import SMALL
from tests.ingest.conftest import ORDERS_JSON, order, orders_like
from tests.ingest.test_money_and_references import PRODUCT_MASTER, RATES
from tests.small_vector import declare_vector
from tests.test_faults import contents, night, sets

FIRST, SECOND = date(2024, 3, 29), date(2024, 3, 31)
DUE = "model.max_age_days=1"  # so that the second night trains, too
SEEDS = range(1, 6)
PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
CARDS = 60
MTIME = 1_712_000_000  # 2024-04-01, after both nights
Contents = dict[str, tuple[int, Decimal] | None]
pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]


@dataclass(frozen=True)
class Outcome:
    """What one seed showed."""

    seed: int
    killed: Sequence[str]
    tables: int
    rows: int
    equal: bool


@dataclass(frozen=True)
class Sweep:
    """What the seeds showed so far, a file each, since they may be run by several processes."""

    folder: Path

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome, and write the page of as many seeds as were run."""
        (self.folder / f"{outcome.seed}.json").write_text(json.dumps(asdict(outcome)), encoding="utf-8")
        texts = [file.read_text(encoding="utf-8") for file in sorted(self.folder.glob("*.json"))]
        PAGE.write_text("\n".join(page([Outcome(**json.loads(text)) for text in texts])), encoding="utf-8")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Sweep:
    """One for all processes of a run."""
    folder = tmp_path_factory.getbasetemp().parent / f"sweep-{testrun_uid}"
    folder.mkdir(exist_ok=True)
    return Sweep(folder)


def page(outcomes: Sequence[Outcome]) -> list[str]:
    """The page: nothing in it depends on the machine."""
    kills = sum(len(outcome.killed) for outcome in outcomes)
    return [
        "# Reliability",
        "",
        "Written by `make soak` (tests/test_fault_sweep.py); do not edit.",
        "",
        "## Killed at every fault point",
        "",
        f"{kills} processes were ended by SIGKILL, each at one of {len(faults.POINTS)} fault points between commits",
        "of a night (`omniseg/faults.py`), and the night was started again. Compared with an unharmed run of the same",
        "deliveries: rows and row hashes of every table, as multisets, but for run ids, clocks and leases.",
        "",
        "| seed | killed at | tables compared | rows compared | the same as the unharmed run |",
        "|---:|---:|---:|---:|---|",
        *(
            f"| {one.seed} | {len(one.killed)} points | {one.tables} | {one.rows:,} | {'yes' if one.equal else 'NO'} |"
            for one in outcomes
        ),
        "",
        f"The points: {', '.join(f'`{point}`' for point in faults.POINTS)}.",
        "",
    ]


def write(folder: Path, name: str, lines: Sequence[str]) -> None:
    """A delivered file."""
    file = folder / "landing" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.utime(file, (MTIME, MTIME))


def declare(folder: Path) -> None:
    """Orders, orders in dollars, clicks, rates and products."""
    sources = folder / "sources"
    sources.mkdir(parents=True)
    clicks = orders_like("clicks").replace("channel: pos", "channel: web").replace("'loyalty'", "'cookie'")
    texts = {
        "orders": ORDERS_JSON,
        "imports": orders_like("imports").replace("'EUR'", "'USD'"),
        "clicks": clicks,
        "rates": RATES,
        "products": PRODUCT_MASTER,
    }
    for name, text in texts.items():
        (sources / f"{name}.yml").write_text(text, encoding="utf-8")
    declare_vector(folder)


def clicks(name: str, many: int) -> list[str]:
    """So many page views of one visitor within a minute."""
    return [
        order(id=f"{name}-{number}", at="2024-03-29T10:00:30Z", kind="page_view", card="machine", price=None)
        for number in range(many)
    ]


def deliver_first(folder: Path, seed: int) -> list[str]:
    """The first night: shoppers who come often and shoppers who came once; imports wait for their rate. Returns the
    orders.
    """
    drawn = random.Random(seed)
    orders = [
        order(
            id=f"o-{card}-{visit}",
            card=f"{card}",
            basket=f"b-{card}-{visit}",
            at=f"2024-03-{drawn.randint(1, 29):02d}T{drawn.randint(0, 23):02d}:00:00Z",
            price=drawn.randint(100, 9900) / 100,
        )
        for card in range(CARDS)
        for visit in range(10 if card < CARDS / 2 else 1)
    ]
    write(folder, "orders/1.jsonl", [*orders, drawn.choice(orders), order(id="bad", price=-1), "{"])
    write(folder, "imports/1.jsonl", [order(id=f"i-{card}", card=f"{card}") for card in range(0, CARDS, 7)])
    write(folder, "clicks/1.jsonl", clicks("first", 40))
    write(folder, "products/1.csv", ["product_id,name", "p1,Milk"])
    return orders


def deliver_second(folder: Path, seed: int, orders: Sequence[str]) -> None:
    """The second night: news, repetitions, conflicts, late ones, the rate, more clicks than a person makes."""
    drawn = random.Random(-seed)
    news = [
        order(id=f"n-{card}", card=f"{card}", basket=f"n-{card}", at="2024-03-30T09:00:00Z", price=drawn.randint(1, 90))
        for card in drawn.sample(range(2 * CARDS), CARDS)
    ]
    late = [order(id=f"l-{card}", card=f"{card}", at="2024-02-20T09:00:00Z") for card in drawn.sample(range(CARDS), 5)]
    changed = [json.dumps({**json.loads(text), "qty": 9}) for text in drawn.sample(list(orders), 3)]
    write(folder, "orders/2.jsonl", [*news, *late, *changed, *drawn.sample(list(orders), 20), "{", order(id="", qty=2)])
    write(folder, "rates/2.csv", ["currency,day,rate", "USD,2024-03-05,0.9"])
    write(folder, "clicks/2.jsonl", clicks("second", 30))
    write(folder, "products/2.csv", ["product_id,name", "p1,Whole milk", "p2,Bread"])


def killed(folder: Path, landing: Path, point: str) -> None:
    """The second night in a process of its own, which must die by SIGKILL, and at no other place than this point."""
    given = [*sets(folder, landing), DUE, *(f"{key}={value}" for key, value in SMALL.items())]
    options = [word for text in given for word in ("--set", text)]
    command = [sys.executable, "-m", "omniseg", "run", "--as-of", SECOND.isoformat(), *options]
    armed = {**os.environ, faults.VARIABLE: point}
    died = subprocess.run(command, env=armed, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, f"{point} was not reached: {died.stderr[-2000:]}"


def forget(spark: SparkSession) -> None:
    """Delta keeps what it knows of a table by its path; here folders take each other's place."""
    assert spark._jvm is not None
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()


def unharmed(spark: SparkSession, folder: Path, landing: Path) -> Contents:
    """The tables after a second night that nothing disturbed; afterwards the folder is as it was before."""
    kept = folder.with_name("kept")
    shutil.copytree(folder, kept)
    found = dict(contents(night(spark, folder, landing, SECOND, DUE)))
    shutil.rmtree(folder)
    kept.rename(folder)
    forget(spark)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_F01_killed_by_sigkill_at_every_point(spark: SparkSession, tmp_path: Path, sweep: Sweep, seed: int) -> None:
    landing, folder = tmp_path / "zone", tmp_path / "place"
    declare(landing)
    orders = deliver_first(landing, seed)
    night(spark, folder, landing, FIRST)
    deliver_second(landing, seed, orders)
    expected = unharmed(spark, folder, landing)
    died = []
    for point in faults.POINTS:
        killed(folder, landing, point)
        died.append(point)
    forget(spark)
    lake = Lake(spark, str(folder / "warehouse"))
    assert bounded(lake.read(LOCKS), 1)[0].holder != ""  # the dead process still holds its lease, and is found dead
    harmed = dict(contents(night(spark, folder, landing, SECOND, DUE)))
    rows = sum(one[0] for one in expected.values() if one is not None)
    sweep.add(Outcome(seed, died, sum(map(bool, expected.values())), rows, harmed == expected))
    assert harmed == expected
    of_interest = {name: expected[name] for name in (SILVER_EVENTS.name, SEGMENT_SNAPSHOTS.name, EXCHANGE_RATES.name)}
    assert all(one is not None and one[0] > 0 for one in of_interest.values())
