"""`omniseg quarantine replay`: a second chance, after which every record is accounted for once.

One project is made for the whole module. Each kind of source is replayed on a copy of its tables, and the tests look
at how its records and events stood after each step.
"""

from __future__ import annotations

import io
import json
import os
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from omniseg.commands.quarantine import replay
from omniseg.errors import AccountingError, ConfigError
from omniseg.privacy.vault import LONGEST, encrypt
from omniseg.runtime import Run
from omniseg.tables import BRONZE_EVENTS, FILES, IDENTITIES, QUARANTINE, RAW_REJECTS, SILVER_EVENTS
from tests.commands.conftest import Project, make
from tests.crash import crash_at

GOOD = "R1;1;02.01.2025 09:00;4002;1;2.50;Cup"
BAD_TIME = "R2;1;2025-01-03 10:00;4002;2;2.50;Cup"  # another format than declared
BAD_PRICE = "R3;1;2025-01-03 11:00;4003;1;-9.99;Jug"
BAD_TIME_TWICE = "R4;1;2025-01-03 12:00;4004;1;2.50;Cup"  # delivered again before it is replayed
SLASHED_TIME = "R5;1;2025/01/03 13:00;4005;1;2.50;Cup"  # a third format
LATER = "R9;1;04.01.2025 10:00;4009;1;2.50;Cup"
TIME = "to_timestamp(sold_at, 'dd.MM.yyyy HH:mm')"
TWO_TIMES = f"coalesce({TIME}, to_timestamp(sold_at, 'yyyy-MM-dd HH:mm'))"
THREE_TIMES = f"coalesce({TWO_TIMES}, to_timestamp(sold_at, 'yyyy/MM/dd HH:mm'))"
CLICKS = """
source: {name}
channel: web
format: json
path: ${{landing.root}}/{name}/*.jsonl
schema: "{schema}"
personal: [User]
columns:
  event_id: {event_id}
  event_time: coalesce(to_timestamp(at), to_timestamp(at, 'dd.MM.yyyy'))
  event_type: "'page_view'"
  identifiers: map('login', User)
"""
FIELDS = "id STRING, at STRING, User STRING"
ITEMS = f"{FIELDS}, items ARRAY<STRUCT<n: STRING, kind: STRING>>"
KIND = 'rows: explode(items)\nquality:\n  - {name: kind_known, expect: "%s"}\n'
LATE = "lateness: {max_days: 3}\n"


def clicks(name: str, schema: str = FIELDS, event_id: str = "id") -> str:
    """The declaration of one source of clicks."""
    return CLICKS.format(name=name, schema=schema, event_id=event_id)


def items(kinds: str) -> str:
    """The declaration of exploded records, of which elements of some kinds are good."""
    return clicks("items", ITEMS, "concat(id, '-', item.n)") + KIND % f"item.kind in ({kinds})"


def click(number: int, **more: object) -> str:
    """One click as JSON."""
    return json.dumps({"id": f"c{number}", "at": "2025-01-02T09:00:00Z", "User": f"u{number}", **more})


@dataclass(frozen=True)
class Kept:
    """A bad record as ingest keeps it: payload and unknown fields in bronze, or the text in the vault."""

    name: str
    payload: str | None = None
    rescued: str | None = None
    text: str | None = None
    source: str = "clicks"
    batch: int = 1
    elements: int = 1  # rows of an exploded record that are open


# Clicks came when the schema had neither `User` nor `tags` as text, and the format of time was another one.
PARSED_NOW = Kept("parsed_now", text=click(1, tags="plain"))
CUT_OFF = Kept("cut_off", text=click(2, tags="x" * LONGEST))
CASED = Kept("cased", '{"at": "2025-01-02T09:00:00Z", "User": "u3"}', '{"ID": "c3"}')
RESCUED = Kept("rescued", '{"id": "c4", "at": "2025-01-02T09:00:00Z"}', '{"User": "u4"}')
MAILS = [Kept(f"c{n}", f'{{"id": "c{n}", "at": "2025-01-02T09:00:00Z"}}', '{"User": "<email>"}') for n in (5, 6)]
# The first came on time, the second when newer events were known.
ON_TIME = Kept("on_time", click(7, at="03.01.2025"))
TOO_LATE = Kept("too_late", click(9, at="04.01.2025"), batch=3)
ELEMENTS = [{"n": "1", "kind": "a"}, {"n": "2", "kind": "b"}, {"n": "1", "kind": "a"}]
EXPLODED = Kept("exploded", click(1, items=ELEMENTS), source="items", elements=2)
NEWEST = date(2025, 2, 1)  # event_date of what batch 2 accepted from `clicks`
THEN = datetime(2025, 6, 1, tzinfo=timezone.utc)


def keep(project: Project, records: list[Kept]) -> None:
    """Write bad records as ingest would have, three batches in all."""
    bronze = [(k.name, k.source, "f", at, THEN, k.batch, k.payload, k.rescued, None) for at, k in enumerate(records)]
    key = os.environ["OMNISEG_VAULT_KEY"].encode()
    vault = [(k.name, k.source, encrypt(k.text, key), k.batch, THEN) for k in records if k.text]
    rows = [(f"{k.name}#{n}" if n else k.name, k) for k in records for n in range(k.elements)]
    bad = [(name, k.source, ["bad"], None, "f", 1, None, None, None, k.batch, "open", None) for name, k in rows]
    ledger = [("clicks", "f", 1, THEN, "h", 1, 3, "taken", None)]
    for table, found in ((BRONZE_EVENTS, bronze), (RAW_REJECTS, vault), (QUARANTINE, bad), (FILES, ledger)):
        project.lake.append(table, project.spark.createDataFrame(found, table.ddl))
    event = project.lake.read(SILVER_EVENTS).limit(1).withColumns({"source": F.lit("clicks"), "event_id": F.lit("c8")})
    changed = {"batch_id": F.lit(2).cast("bigint"), "event_date": F.lit(NEWEST), "order_id": F.lit(None).cast("string")}
    project.lake.append(SILVER_EVENTS, event.withColumns(changed))


@pytest.fixture(scope="module")
def taken(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """An ingested delivery of store_orders, and records of other sources as ingest keeps them."""
    project = Project(make(tmp_path_factory.mktemp("replay") / "project"), spark)
    (project.folder / "landing" / "store_orders" / "store_orders_2025q1.csv").unlink()
    project.deliver("a.csv", GOOD, BAD_TIME, BAD_PRICE, BAD_TIME_TWICE, SLASHED_TIME)
    project.ingest()
    keep(project, [PARSED_NOW, CUT_OFF, CASED, RESCUED, *MAILS, ON_TIME, TOO_LATE, EXPLODED])
    mend(project, "clicks", clicks("clicks", f"{FIELDS}, tags STRING") + LATE)
    mend(project, "items", items("'a'"))
    return project


@pytest.fixture
def project(taken: Project, tmp_path: Path) -> Project:
    """A copy of the tables."""
    return taken.copy(tmp_path / "project")


def mend(project: Project, source: str, declaration: str) -> None:
    """Another declaration for one source."""
    (project.folder / "sources" / f"{source}.yml").write_text(declaration, encoding="utf-8")


def replayed(project: Project, source: str) -> Run:
    """A finished replay."""
    run = project.run("quarantine replay", {"source": source})
    replay(run)
    return run


def counts(run: Run) -> tuple[int, int, int, int]:
    """read, accepted, duplicates, quarantined."""
    found = run.accounts[0]
    return found.read.rows, found.accepted.rows, found.duplicates.rows, found.quarantined.rows


@dataclass(frozen=True)
class Seen:
    """The quarantined records of a source by name, and its events in silver by order_id or event_id."""

    records: dict[str, Row]
    events: list[tuple[str, Row]]

    @property
    def statuses(self) -> dict[tuple[str, int | None], int]:
        """Quarantined records by (status, batch that settled them)."""
        return dict(Counter((row.status, row.status_batch_id) for row in self.records.values()))

    @property
    def accepted(self) -> list[tuple[str, int]]:
        """(order_id or event_id, batch) of each event."""
        return [(name, row.batch_id) for name, row in self.events]

    def event(self, name: str) -> Row:
        """The one event of that name."""
        (found,) = (row for given, row in self.events if given == name)
        return found


def look(project: Project, source: str) -> Seen:
    """How the records and events of a source stand now."""
    bad, good = (project.lake.read(table).where(F.col("source") == source) for table in (QUARANTINE, SILVER_EVENTS))
    events = [(row.order_id or row.event_id, row) for row in good.collect()]
    return Seen({row.record_id: row for row in bad.collect()}, sorted(events, key=lambda pair: pair[0]))


@dataclass(frozen=True)
class Till:
    """store_orders before two replays, after each of them, and after the crash between them."""

    project: Project
    names: dict[str, str]  # order_id -> record_id of a.csv
    before: Seen
    refused: str  # what a replay said while an ingest was interrupted
    ingested: Run
    first: Run
    after_first: Seen
    after_crash: Seen
    second: Run
    after_second: Seen


@pytest.fixture(scope="module")
def till(taken: Project, tmp_path_factory: pytest.TempPathFactory) -> Till:
    """Two replays, each after one that died: before its commit, so that an ingest took the number; and after it. The
    ingest died once, too.
    """
    project = taken.copy(tmp_path_factory.mktemp("till") / "project")
    names, before = received(project), look(project, "store_orders")
    project.declare(TIME, TWO_TIMES)
    with crash_at("ingest.files.before"):
        replayed(project, "store_orders")
    project.deliver("b.csv", LATER, BAD_TIME_TWICE)
    with crash_at("ingest.identities.before"):
        project.ingest()
    with pytest.raises(AccountingError) as refused:
        replayed(project, "store_orders")
    ingested = project.ingest()
    first = replayed(project, "store_orders")
    after_first = look(project, "store_orders")
    project.declare(TWO_TIMES, THREE_TIMES)
    with crash_at("ingest.files.after"):
        replayed(project, "store_orders")
    after_crash = look(project, "store_orders")
    second = replayed(project, "store_orders")
    after_second = look(project, "store_orders")
    return Till(
        project, names, before, str(refused.value), ingested, first, after_first, after_crash, second, after_second
    )


def received(project: Project) -> dict[str, str]:
    """record_id of every line of store_orders, by order_id."""
    order = F.get_json_object("payload", "$.receipt").alias("order_id")
    rows = project.lake.read(BRONZE_EVENTS).where("source = 'store_orders'").select(order, "record_id").collect()
    return {row.order_id: row.record_id for row in rows}


def test_mended_records_are_accepted_and_bad_ones_stay_open_under_their_new_rules(till: Till):
    assert till.before.statuses == {("open", None): 4}
    assert (counts(till.first), till.first.batch_id) == ((4, 1, 1, 2), 5)
    assert till.after_first.statuses == {("open", None): 2, ("replayed", 5): 2}
    assert till.after_first.accepted == [("R1", 1), ("R2", 5), ("R4", 4), ("R9", 4)]
    event = till.after_first.event("R2")
    assert (event.record_id, str(event.event_date), event.quantity) == (till.names["R2"], "2025-01-03", 2)
    left = till.after_first.records[till.names["R3"]]
    assert (left.status, left.line, left.batch_id) == ("open", 3, 1)
    assert sorted(left.rules) == ["price_not_negative", "purchase_negative"]
    assert "negative" in left.detail


def test_a_replayed_record_is_of_the_same_person_as_one_that_was_fine_at_once(till: Till):
    person = till.after_first.event("R2").identity_key
    assert [name for name, row in till.after_first.events if row.identity_key == person] == ["R1", "R2"]
    assert till.project.lake.read(IDENTITIES).where(F.col("identifier") == person).count() == 1


def test_the_number_of_the_batch_is_used_up_without_a_file(till: Till):
    ledger = till.project.lake.read(FILES).where("batch_id = 5").collect()[0]
    assert (ledger.path, ledger.size, ledger.rows, ledger.status) == (f"replay:{till.first.run_id}", 0, 4, "taken")


def test_a_second_replay_changes_nothing_that_was_settled(till: Till):
    assert counts(till.second) == (2, 0, 1, 1), "the two that are open, of which one was accepted by the crashed replay"
    settled = {name: row for name, row in till.after_first.records.items() if row.status == "replayed"}
    assert len(settled) == 2
    assert {name: till.after_second.records[name] for name in settled} == settled
    assert [pair for pair in till.after_second.events if pair[0] != "R5"] == till.after_first.events


def test_what_was_delivered_again_meanwhile_is_a_duplicate(till: Till):
    assert counts(till.first) == (4, 1, 1, 2)
    again = till.after_first.records[till.names["R4"]]
    assert (again.status, again.status_batch_id) == ("replayed", 5)
    assert till.after_first.event("R4").batch_id == till.ingested.batch_id


def test_a_crash_after_the_commit_leaves_records_open_and_doubles_none(till: Till):
    assert till.after_crash.statuses == {("open", None): 2, ("replayed", 5): 2}
    assert till.after_crash.accepted == [("R1", 1), ("R2", 5), ("R4", 4), ("R5", 6), ("R9", 4)]
    assert (counts(till.second), till.second.batch_id) == ((2, 0, 1, 1), 7)
    assert till.after_second.statuses == {("open", None): 1, ("replayed", 5): 2, ("replayed", 7): 1}
    assert till.after_second.accepted == till.after_crash.accepted


def test_an_ingest_after_a_crash_takes_the_number_and_the_replay_still_follows(till: Till):
    assert till.ingested.batch_id == 4
    assert counts(till.first) == (4, 1, 1, 2)
    assert till.after_first.accepted == [("R1", 1), ("R2", 5), ("R4", 4), ("R9", 4)]


def test_an_interrupted_ingest_goes_before_a_replay(till: Till):
    assert "an ingest of batch 4 was interrupted" in till.refused
    assert "omniseg ingest" in till.refused
    rows = till.project.lake.read(BRONZE_EVENTS).where("file LIKE '%b.csv'").select("batch_id").collect()
    assert [row.batch_id for row in rows] == [4, 4]


def test_nothing_open_is_nothing_new(project: Project):
    mend(project, "fresh", clicks("fresh"))
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


@dataclass(frozen=True)
class Clicked:
    """The replay of clicks, what it printed, and how they stand after it."""

    run: Run
    printed: str
    seen: Seen

    def fate(self, kept: Kept) -> tuple[str, int | None]:
        """Status of a record, and the batch that settled it."""
        row = self.seen.records[kept.name]
        return row.status, row.status_batch_id


@pytest.fixture(scope="module")
def clicked(taken: Project, tmp_path_factory: pytest.TempPathFactory) -> Clicked:
    """All clicks under their present declaration."""
    project = taken.copy(tmp_path_factory.mktemp("clicks") / "project")
    with redirect_stdout(io.StringIO()) as printed:
        run = replayed(project, "clicks")
    return Clicked(run, printed.getvalue(), look(project, "clicks"))


def test_json_that_could_not_be_parsed_comes_from_the_vault(clicked: Clicked):
    assert clicked.fate(PARSED_NOW) == ("replayed", 4)
    event = clicked.seen.event("c1")
    assert (event.record_id, event.batch_id) == (PARSED_NOW.name, 4)
    assert event.identity_key.startswith("login:v1:")
    assert "1 open records stay as they are: their text could not be parsed" in clicked.printed
    assert clicked.fate(CUT_OFF) == ("open", None)


def test_a_rule_of_parsing_is_not_forgotten(clicked: Clicked):
    assert clicked.fate(CASED) == ("open", None)
    assert clicked.seen.records[CASED.name].rules == ["case_variant:id", "missing:event_id"]


def test_a_field_that_the_schema_did_not_know_is_found_among_the_rescued(clicked: Clicked):
    assert clicked.fate(RESCUED) == ("replayed", 4)
    event = clicked.seen.event("c4")
    assert (event.batch_id, event.identity_key.startswith("login:v1:")) == (4, True)


def test_a_redacted_identifier_links_nobody(clicked: Clicked):
    assert [clicked.fate(mail) for mail in MAILS] == [("replayed", 4)] * 2
    assert [clicked.seen.event(mail.name).identity_key for mail in MAILS] == [None, None]
    assert clicked.run.accounts[0].unattributed == 2


def test_lateness_counts_from_the_day_of_the_delivery(clicked: Clicked):
    assert (clicked.fate(ON_TIME), clicked.seen.event("c7").batch_id) == (("replayed", 4), 4)
    assert (clicked.fate(TOO_LATE), clicked.seen.records[TOO_LATE.name].rules) == (("open", None), ["too_late"])


def test_every_record_that_could_be_read_is_accounted_for(clicked: Clicked):
    assert counts(clicked.run) == (7, 5, 0, 2)
    assert clicked.seen.statuses == {("open", None): 3, ("replayed", 4): 5}
    assert clicked.seen.accepted == [("c1", 4), ("c4", 4), ("c5", 4), ("c6", 4), ("c7", 4), ("c8", 2)]


def test_only_the_open_elements_of_an_exploded_record_are_replayed(project: Project):
    # Of three elements the first is fine now, the second still bad, and the third repeats the first.
    assert counts(replayed(project, "items")) == (3, 1, 1, 1)
    assert look(project, "items").statuses == {("open", None): 1, ("replayed", 4): 1}
    mend(project, "items", items("'a', 'b'"))
    # The accepted element is left out; the one that repeats it is a duplicate again.
    assert counts(replayed(project, "items")) == (2, 1, 1, 0)
    left = look(project, "items")
    assert left.statuses == {("replayed", 4): 1, ("replayed", 5): 1}
    assert left.accepted == [("c1-1", 4), ("c1-2", 5)]


def test_an_element_that_a_crashed_replay_accepted_is_closed_by_the_next(project: Project):
    with crash_at("ingest.files.after"):
        replayed(project, "items")
    crashed = look(project, "items")
    assert (crashed.statuses, crashed.accepted) == ({("open", None): 2}, [("c1-1", 4)])
    assert counts(replayed(project, "items")) == (3, 0, 2, 1)
    after = look(project, "items")
    assert (after.statuses, after.accepted) == ({("open", None): 1, ("replayed", 5): 1}, [("c1-1", 4)])
