"""`omniseg quarantine replay`: a second chance, after which every record is accounted for once.

One project is made for the whole module; each test works on a copy of its tables.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from omniseg.commands.quarantine import replay
from omniseg.errors import ConfigError
from omniseg.faults import MODE, VARIABLE, SimulatedCrash
from omniseg.privacy.vault import LONGEST, encrypt
from omniseg.runtime import Run
from omniseg.tables import BRONZE_EVENTS, FILES, IDENTITIES, QUARANTINE, RAW_REJECTS, SILVER_EVENTS
from tests.commands.conftest import Project, make

GOOD = "R1;1;02.01.2025 09:00;4002;1;2.50;Cup"
BAD_TIME = "R2;1;2025-01-03 10:00;4002;2;2.50;Cup"  # another format than declared
BAD_PRICE = "R3;1;2025-01-03 11:00;4003;1;-9.99;Jug"
TIME = "to_timestamp(sold_at, 'dd.MM.yyyy HH:mm')"
BOTH_TIMES = "coalesce(to_timestamp(sold_at, 'dd.MM.yyyy HH:mm'), to_timestamp(sold_at, 'yyyy-MM-dd HH:mm'))"
CLICKS = """
source: {name}
channel: web
format: json
path: ${{landing.root}}/{name}/*.jsonl
schema: "{schema}"
personal: [user]
columns:
  event_id: {event_id}
  event_time: to_timestamp(at)
  event_type: "'page_view'"
  identifiers: map('login', user)
"""
ITEMS = "id STRING, at STRING, user STRING, items ARRAY<STRUCT<n: STRING, kind: STRING>>"
KIND = 'rows: explode(items)\nquality:\n  - {name: kind_known, expect: "%s"}\n'
LATE = "lateness: {max_days: 3}\n"


def clicks(name: str, schema: str = "id STRING, at STRING, user STRING", event_id: str = "id") -> str:
    """The declaration of one source of clicks."""
    return CLICKS.format(name=name, schema=schema, event_id=event_id)


def click(number: int, **more: object) -> str:
    """One click as JSON."""
    return json.dumps({"id": f"c{number}", "at": "2025-01-02T09:00:00Z", "user": f"u{number}", **more})


@dataclass(frozen=True)
class Kept:
    """A bad record as ingest keeps it: payload and unknown fields in bronze, or the text in the vault."""

    source: str
    payload: str | None = None
    rescued: str | None = None
    text: str | None = None
    batch: int = 1
    elements: int = 1  # rows of an exploded record that are open


TYPED = [Kept("typed", text=click(2, tags="plain")), Kept("typed", text=click(3, tags="x" * LONGEST))]
CASED = [Kept("cased", '{"at": "2025-01-02T09:00:00Z", "user": "u2"}', '{"ID": "c2"}')]
MAILS = [Kept("mails", f'{{"id": "c{n}", "at": "2025-01-02T09:00:00Z"}}', '{"User": "<email>"}') for n in (1, 2)]
ELEMENTS = [{"n": "1", "kind": "a"}, {"n": "2", "kind": "b"}, {"n": "1", "kind": "a"}]
ITEMS_KEPT = [Kept("items", click(1, items=ELEMENTS), elements=2)]
# The first came on time, the second when newer events were known; both were bad for their format of time.
LATES = [Kept("late", click(2, at="03.01.2025")), Kept("late", click(9, at="04.01.2025"), batch=3)]
NEWEST = date(2025, 2, 1)  # event_date of what batch 2 accepted from `late`
THEN = datetime(2025, 6, 1, tzinfo=timezone.utc)


def keep(project: Project, records: list[Kept]) -> None:
    """Write bad records as ingest would have, three batches in all."""
    named = [(f"{kept.source}-{kept.batch}-{place}", place, kept) for place, kept in enumerate(records)]
    bronze = [(name, k.source, "f", at, THEN, k.batch, k.payload, k.rescued) for name, at, k in named]
    key = os.environ["OMNISEG_VAULT_KEY"].encode()
    vault = [(name, k.source, encrypt(k.text, key), k.batch, THEN) for name, _, k in named if k.text]
    rows = [(f"{name}#{n}" if n else name, k) for name, _, k in named for n in range(k.elements)]
    bad = [(name, k.source, ["bad"], None, "f", 1, None, None, None, k.batch, "open", None) for name, k in rows]
    ledger = [("late", "f", 1, THEN, "h", 1, 3, "taken", None)]
    for table, found in ((BRONZE_EVENTS, bronze), (RAW_REJECTS, vault), (QUARANTINE, bad), (FILES, ledger)):
        project.lake.append(table, project.spark.createDataFrame(found, table.ddl))
    event = project.lake.read(SILVER_EVENTS).limit(1).withColumns({"source": F.lit("late"), "event_id": F.lit("c8")})
    changed = {"batch_id": F.lit(2).cast("bigint"), "event_date": F.lit(NEWEST), "order_id": F.lit(None).cast("string")}
    project.lake.append(SILVER_EVENTS, event.withColumns(changed))


@pytest.fixture(scope="module")
def taken(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """An ingested delivery of store_orders, and records of other sources as ingest keeps them."""
    project = Project(make(tmp_path_factory.mktemp("replay") / "project"), spark)
    (project.folder / "landing" / "store_orders" / "store_orders_2025q1.csv").unlink()
    project.deliver("a.csv", GOOD, BAD_TIME, BAD_PRICE)
    project.ingest()
    keep(project, [*TYPED, *CASED, *MAILS, *ITEMS_KEPT, *LATES])
    tags = "id STRING, at STRING, user STRING, tags STRUCT<a: STRING>"
    for source in (clicks("typed", tags), clicks("cased"), clicks("mails"), items("'a'"), clicks("late") + LATE):
        name = source.partition("source: ")[2].partition("\n")[0]
        (project.folder / "sources" / f"{name}.yml").write_text(source, encoding="utf-8")
    return project


def items(kinds: str) -> str:
    """The declaration of exploded records, of which elements of some kinds are good."""
    return clicks("items", ITEMS, "concat(id, '-', item.n)") + KIND % f"item.kind in ({kinds})"


@pytest.fixture
def project(taken: Project, tmp_path: Path) -> Project:
    """A copy of the tables, with the declaration of store_orders mended for one of its two bad records."""
    copied = taken.copy(tmp_path / "project")
    copied.declare(TIME, BOTH_TIMES)
    return copied


@pytest.fixture
def crash() -> Iterator[None]:
    """Fault points raise; the test arms one. Disarmed afterwards."""
    os.environ[MODE] = "raise"
    yield
    os.environ.pop(VARIABLE, None)
    os.environ.pop(MODE, None)


def replayed(project: Project, source: str = "store_orders") -> Run:
    """A finished replay."""
    run = project.run("quarantine replay", {"source": source})
    replay(run)
    return run


def counts(run: Run) -> tuple[int, int, int, int]:
    """read, accepted, duplicates, quarantined."""
    found = run.accounts[0]
    return found.read.rows, found.accepted.rows, found.duplicates.rows, found.quarantined.rows


def mend(project: Project, source: str, declaration: str) -> None:
    """Another declaration for one source of clicks."""
    (project.folder / "sources" / f"{source}.yml").write_text(declaration, encoding="utf-8")


def statuses(project: Project, source: str = "store_orders") -> dict[tuple[str, int | None], int]:
    """Quarantined records by (status, batch that settled them)."""
    rows = project.lake.read(QUARANTINE).where(F.col("source") == source).select("status", "status_batch_id").collect()
    return dict(Counter((row.status, row.status_batch_id) for row in rows))


def accepted(project: Project, source: str = "store_orders") -> list[tuple[str, int]]:
    """(order_id or event_id, batch) of the events in silver."""
    rows = project.lake.read(SILVER_EVENTS).where(F.col("source") == source).collect()
    return sorted((row.order_id or row.event_id, row.batch_id) for row in rows)


def test_mended_records_are_accepted_and_bad_ones_stay_open_under_their_new_rules(project: Project):
    names = {row.order_id: row.record_id for row in received(project)}
    assert statuses(project) == {("open", None): 2}
    run = replayed(project)
    assert (counts(run), run.batch_id) == ((2, 1, 0, 1), 4)
    assert statuses(project) == {("open", None): 1, ("replayed", 4): 1}
    assert accepted(project) == [("R1", 1), ("R2", 4)]
    event = project.lake.read(SILVER_EVENTS).where("order_id = 'R2'").collect()[0]
    assert (event.record_id, str(event.event_date), event.quantity) == (names["R2"], "2025-01-03", 2)
    left = project.lake.read(QUARANTINE).where("status = 'open' AND source = 'store_orders'").collect()[0]
    assert (left.record_id, left.line, left.batch_id) == (names["R3"], 3, 1)
    assert sorted(left.rules) == ["price_not_negative", "purchase_negative"]
    assert "negative" in left.detail
    # The pseudonym is that of a record which was fine at once, so it is the same person.
    same = (F.col("identity_key") == event.identity_key) & (F.col("source") == "store_orders")
    assert project.lake.read(SILVER_EVENTS).where(same).count() == 2
    assert project.lake.read(IDENTITIES).where(F.col("identifier") == event.identity_key).count() == 1
    # The number of the batch is used up, without a file.
    ledger = project.lake.read(FILES).where("batch_id = 4").collect()[0]
    assert (ledger.path, ledger.size, ledger.rows, ledger.status) == (f"replay:{run.run_id}", 0, 2, "taken")
    # A second replay changes nothing that was settled.
    assert counts(replayed(project)) == (1, 0, 0, 1)
    assert statuses(project) == {("open", None): 1, ("replayed", 4): 1}
    assert accepted(project) == [("R1", 1), ("R2", 4)]


def received(project: Project) -> list[Row]:
    """order_id and record_id of every line of store_orders."""
    order = F.get_json_object("payload", "$.receipt").alias("order_id")
    return project.lake.read(BRONZE_EVENTS).where("source = 'store_orders'").select(order, "record_id").collect()


def test_what_was_delivered_again_meanwhile_is_a_duplicate(project: Project):
    project.deliver("again.csv", BAD_TIME)
    project.ingest()
    assert counts(replayed(project)) == (2, 0, 1, 1)
    assert statuses(project) == {("open", None): 1, ("replayed", 5): 1}
    assert accepted(project) == [("R1", 1), ("R2", 4)]


def test_a_crash_after_the_commit_leaves_records_open_and_doubles_none(project: Project, crash: None):
    crashed_at(project, "ingest.files.after")
    assert (statuses(project), accepted(project)) == ({("open", None): 2}, [("R1", 1), ("R2", 4)])
    assert counts(replayed(project)) == (2, 0, 1, 1)
    assert statuses(project) == {("open", None): 1, ("replayed", 5): 1}
    assert accepted(project) == [("R1", 1), ("R2", 4)]


def test_an_ingest_after_a_crash_takes_the_number_and_the_replay_still_follows(project: Project, crash: None):
    crashed_at(project, "ingest.files.before")
    project.deliver("b.csv", "R9;1;04.01.2025 10:00;4009;1;2.50;Cup")
    assert project.ingest().batch_id == 4
    assert counts(replayed(project)) == (2, 1, 0, 1)
    assert accepted(project) == [("R1", 1), ("R2", 5), ("R9", 4)]


def crashed_at(project: Project, point: str) -> None:
    """A replay that died there."""
    os.environ[VARIABLE] = point
    with pytest.raises(SimulatedCrash):
        replayed(project)
    del os.environ[VARIABLE]


def test_nothing_open_is_nothing_new(project: Project):
    mend(project, "fresh", clicks("fresh", "id STRING, at STRING, user STRING"))
    run = replayed(project, "fresh")
    assert (run.status, run.batch_id, run.accounts) == ("nothing_new", None, [])
    assert project.lake.read(FILES).where("batch_id > 3").count() == 0


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param("store_order", "did you mean 'store_orders'", id="mistyped"),
        pytest.param("products", "a reference table", id="reference_table"),
    ],
)
def test_refused_sources(project: Project, source: str, words: str):
    text = "target: products\nformat: csv\npath: ${landing.root}/p/*.csv\nkey: [product_id]\nmode: latest\n"
    mend(project, "products", text)
    with pytest.raises(ConfigError, match=words):
        replayed(project, source)


def test_json_that_could_not_be_parsed_comes_from_the_vault(project: Project, capsys: pytest.CaptureFixture[str]):
    assert statuses(project, "typed") == {("open", None): 2}
    mend(project, "typed", clicks("typed", "id STRING, at STRING, user STRING, tags STRING"))
    assert counts(replayed(project, "typed")) == (1, 1, 0, 0)
    assert "1 open records stay as they are: their text could not be parsed" in capsys.readouterr().out
    assert statuses(project, "typed") == {("open", None): 1, ("replayed", 4): 1}
    event = project.lake.read(SILVER_EVENTS).where("source = 'typed' AND event_id = 'c2'").collect()[0]
    assert event.identity_key.startswith("login:v1:")


def test_a_field_that_the_schema_did_not_know_is_found_among_the_rescued(project: Project):
    assert counts(replayed(project, "cased")) == (1, 0, 0, 1), "a rule of parsing is not forgotten"
    rules = project.lake.read(QUARANTINE).where("source = 'cased'").collect()[0].rules
    assert rules == ["case_variant:id", "missing:event_id"]
    mend(project, "cased", clicks("cased", "ID STRING, at STRING, user STRING", "ID"))
    assert counts(replayed(project, "cased")) == (1, 1, 0, 0)
    assert accepted(project, "cased") == [("c2", 5)]


def test_a_redacted_identifier_links_nobody(project: Project):
    assert statuses(project, "mails") == {("open", None): 2}
    mend(project, "mails", clicks("mails", "id STRING, at STRING, User STRING").replace("user", "User"))
    run = replayed(project, "mails")
    assert (counts(run), run.accounts[0].unattributed) == ((2, 2, 0, 0), 2)


def test_only_the_open_elements_of_an_exploded_record_are_replayed(project: Project):
    # Of three elements the first is fine now, the second still bad, and the third repeats the first.
    assert counts(replayed(project, "items")) == (3, 1, 1, 1)
    assert statuses(project, "items") == {("open", None): 1, ("replayed", 4): 1}
    mend(project, "items", items("'a', 'b'"))
    # The accepted element is left out; the one that repeats it is a duplicate again.
    assert counts(replayed(project, "items")) == (2, 1, 1, 0)
    assert statuses(project, "items") == {("replayed", 4): 1, ("replayed", 5): 1}
    assert accepted(project, "items") == [("c1-1", 4), ("c1-2", 5)]


def test_lateness_counts_from_the_day_of_the_delivery(project: Project):
    assert statuses(project, "late") == {("open", None): 2}
    both = "coalesce(to_timestamp(at), to_timestamp(at, 'dd.MM.yyyy'))"
    mend(project, "late", clicks("late").replace("to_timestamp(at)", both) + LATE)
    assert counts(replayed(project, "late")) == (2, 1, 0, 1)
    assert accepted(project, "late") == [("c2", 4), ("c8", 2)]
    left = project.lake.read(QUARANTINE).where("source = 'late' AND status = 'open'").collect()
    assert [row.rules for row in left] == [["too_late"]]
