"""From files to parsed rows: headers, pinned schemas, drift. CSV by its header, JSON and Parquet by their fields."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import types as T

from omniseg.commands.deliveries import deliveries
from omniseg.commands.frames import Frame, to_pin
from omniseg.commands.pins import pin, pinned_schemas
from omniseg.commands.reading import Parsed, drift, has_header, header_of, parsed_files, refuse_missing
from omniseg.errors import ContractError
from omniseg.ingest.declaration import Declaration
from omniseg.ingest.declaration_reader import read_declaration
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.runtime import Run
from omniseg.settings import yaml_strict
from omniseg.settings.load import load_settings
from omniseg.tables import MIGRATIONS

TEXT = """\
source: till
channel: pos
format: {format}
path: {path}
columns:
  event_id: id
  event_time: to_timestamp(at)
  event_type: "'purchase'"
"""


@dataclass(frozen=True)
class Reading:
    """What the files of a source gave, its rows in reading order, and what the warehouse remembers of schemas since."""

    parsed: Parsed
    rows: list[Row]
    pinned: list[tuple[str, int, str]]


class Zone:
    """A landing zone of one source and the warehouse that remembers its schema."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        places = [f"warehouse.root={folder / 'warehouse'}"]
        self.settings = load_settings(env="local", conf=None, sets=places, environ={})
        self.spark, self.folder = spark, folder / "in"
        self.folder.mkdir()

    @property
    def run(self) -> Run:
        """A run that begins now, so that every file is older."""
        return Run("ingest", self.settings, {}, given_lake=Lake(self.spark, self.settings.warehouse.root))

    def declaration(self, kind: str, more: str = "") -> Declaration:
        """The source `till` in this format."""
        return declared(TEXT.format(format=kind, path=self.folder / "*") + more)

    def write(self, name: str, *lines: str) -> None:
        """One file."""
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def read(self, declaration: Declaration, *, commit: bool = True) -> Reading:
        """All files, parsed; then pinned as a batch does at its end."""
        run = self.run
        known = pinned_schemas(run)
        parsed = parsed_files(run, declaration, deliveries(run, [declaration])[declaration.name], pinned=known)
        rows = rows_of(parsed)
        if commit:
            pin(run, to_pin([Frame(declaration, parsed.rows, parsed.refused, parsed.schema)], known))
        pinned = bounded(run.lake.read(MIGRATIONS), 100)
        return Reading(parsed, rows, [(row.object, row.version, row.definition) for row in pinned])


def declared(text: str) -> Declaration:
    """The declaration in a text."""
    return read_declaration(yaml_strict.parse(text.encode(), "d.yml"), file="d.yml")


@pytest.fixture
def zone(spark: SparkSession, tmp_path: Path) -> Zone:
    """An empty landing zone."""
    return Zone(spark, tmp_path)


def rows_of(parsed: Parsed) -> list[Row]:
    """The parsed rows in reading order; none where no file could be read."""
    rows = [] if parsed.rows is None else bounded(parsed.rows, 100)
    return sorted(rows, key=lambda row: (row["__file"], row["__position"]))


# ---- headers and drift, without Spark


@pytest.mark.parametrize(
    ("options", "line", "names"),
    [
        pytest.param("", "id,at", ("id", "at"), id="comma"),
        pytest.param('options: {sep: ";"}\n', "id;at", ("id", "at"), id="semicolon"),
        pytest.param("", " id , at ", ("id", "at"), id="blanks_around"),
        pytest.param("", '"id","at, local"', ("id", "at, local"), id="quotes"),
        pytest.param('options: {quote: "\'"}\n', "'id','at, local'", ("id", "at, local"), id="other_quotes"),
        pytest.param("", "", (), id="empty_file"),
    ],
)
def test_names_in_a_header(options: str, line: str, names: tuple[str, ...]):
    assert header_of(declared(TEXT.format(format="csv", path="in/*") + options), line) == names


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param("", True, id="by_default"),
        pytest.param("options: {header: true}\n", True, id="declared"),
        pytest.param('options: {header: false}\nschema: "id STRING, at STRING"\n', False, id="none"),
    ],
)
def test_who_has_a_header(more: str, *, expected: bool):
    assert has_header(declared(TEXT.format(format="csv", path="in/*") + more)) is expected


PINNED = T.StructType([T.StructField(name, T.StringType()) for name in ("id", "price")])


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        pytest.param(("id", "price"), "", id="the_same"),
        pytest.param(("price", "id"), "", id="another_order"),
        pytest.param(("id", "price", "more"), "", id="one_more"),
        pytest.param((), "", id="empty_file"),
        pytest.param(("id",), "price", id="one_missing"),
        pytest.param(("id", "Price"), "price (nearest: Price)", id="spelt_otherwise"),
    ],
)
def test_drift(names: tuple[str, ...], reason: str):
    found = drift(PINNED, names)
    assert found.removeprefix("columns that earlier deliveries had are missing: ") == reason


def test_parquet_without_a_known_column_is_refused_as_a_whole():
    source = declared(TEXT.format(format="parquet", path="in/*"))
    refuse_missing(source, PINNED, ["id", "price", "more"])
    with pytest.raises(ContractError, match="price; nothing of it was taken") as refused:
        refuse_missing(source, PINNED, ["id"])
    assert refused.value.exit_code == 3


# ---- files, night by night


class CsvNights(NamedTuple):
    """How a CSV source was read each time."""

    empty: Reading
    rehearsed: Reading
    first: Reading
    drifted: Reading


@pytest.fixture(scope="module")
def of_csv(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> CsvNights:
    """An empty file; two more, at first in a dry run; and then one without the column `at`."""
    zone = Zone(spark, tmp_path_factory.mktemp("csv"))
    source = zone.declaration("csv")
    zone.write("1.csv")
    empty = zone.read(source)
    zone.write("2.csv", "id,at,first-name,a`b,x.y", "a,x,1,2,3")
    zone.write("3.csv", "at,id,x.y,till,a`b,first-name", "y,b,6,T9,5,4")
    rehearsed = zone.read(source, commit=False)
    first = zone.read(source)
    zone.write("4.csv", "id,when,first-name,a`b,x.y", "c,z,7,8,9")
    return CsvNights(empty, rehearsed, first, zone.read(source))


CSV_PINNED = [("source:till", 1, "`id` string, `at` string, `first-name` string, `a``b` string, `x.y` string")]


def test_the_first_header_is_pinned_once(of_csv: CsvNights):
    for night in (of_csv.first, of_csv.drifted):
        assert [(row.id, row["at"], row["__rescued"]) for row in night.rows] == [
            ("a", "x", None),
            ("b", "y", '{"till":"T9"}'),
        ]
        assert night.pinned == CSV_PINNED


def test_reading_alone_pins_nothing(of_csv: CsvNights):
    assert of_csv.rehearsed.parsed.schema.names == ["id", "at", "first-name", "a`b", "x.y"]
    assert of_csv.rehearsed.pinned == []


def test_an_empty_file_does_not_decide_the_schema(of_csv: CsvNights):
    nothing, found = of_csv.empty, of_csv.first
    assert (nothing.parsed.rows, nothing.parsed.refused, nothing.pinned) == (None, {}, [])
    assert [row.id for row in found.rows] == ["a", "b"]
    assert (found.parsed.refused, found.pinned) == ({}, CSV_PINNED)


def test_a_file_that_drifted_is_refused_and_the_others_are_read(of_csv: CsvNights):
    found = of_csv.drifted
    assert [row.id for row in found.rows] == ["a", "b"]
    ((path, reason),) = found.parsed.refused.items()
    assert path.endswith("4.csv")
    assert reason.startswith("columns that earlier deliveries had are missing: at")


@pytest.mark.parametrize("night", ["first", "drifted"], ids=["by_the_file", "by_what_was_pinned"])
def test_names_of_columns_are_free(of_csv: CsvNights, night: str):
    rows = getattr(of_csv, night).rows
    assert [(row["first-name"], row["a`b"], row["x.y"]) for row in rows] == [("1", "2", "3"), ("4", "5", "6")]


def test_nothing_is_read_when_all_files_drifted(zone: Zone):
    source = zone.declaration("csv", 'schema: "id STRING, at STRING"\n')
    zone.write("1.csv", "id", "a")
    found = zone.read(source)
    assert (found.parsed.rows, [Path(path).name for path in found.parsed.refused]) == (None, ["1.csv"])


def test_csv_without_a_header_has_the_declared_columns_in_order(zone: Zone):
    zone.write("1.csv", "a,x", "b,y")
    found = zone.read(zone.declaration("csv", 'options: {header: false}\nschema: "id STRING, at STRING"\n'))
    assert [(row.id, row["at"]) for row in found.rows] == [("a", "x"), ("b", "y")]


class JsonNights(NamedTuple):
    """How a JSON source was read each time."""

    first: Reading
    second: Reading


@pytest.fixture(scope="module")
def of_json(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> JsonNights:
    """A file, and then one more with a field of its own."""
    zone = Zone(spark, tmp_path_factory.mktemp("json"))
    source = zone.declaration("json")
    zone.write("1.jsonl", '{"id":1,"at":"x","user":{"first-name":"n","tags":[1.50]}}')
    first = zone.read(source)
    zone.write("2.jsonl", '{"id":2,"at":"y","more":true}')
    return JsonNights(first, zone.read(source))


def test_json_is_pinned_by_its_fields_with_every_leaf_as_text(of_json: JsonNights):
    for night in of_json:
        row, *_ = night.rows
        assert (row.id, row.user["first-name"], row.user.tags) == ("1", "n", ["1.5"])
        ((_, _, definition),) = night.pinned
        assert definition == "`at` string, `id` string, `user` struct<`first-name`:string,tags:array<string>>"
    assert len(of_json.first.rows) == 1


def test_a_json_field_that_comes_later_is_rescued(of_json: JsonNights):
    assert [row["__rescued"] for row in of_json.second.rows] == [None, '{"more":"true"}']


def test_declared_schemas_are_not_pinned_and_text_stays_text(zone: Zone):
    zone.write("1.jsonl", '{"id":"7","at":"x","qty":"two"}')
    found = zone.read(zone.declaration("json", 'schema: "id BIGINT, at STRING, qty INT"\n'))
    (row,) = found.rows
    assert (row.id, row.qty, list(row["__rules"]), found.pinned) == ("7", "two", [], [])


def test_text_is_one_column(zone: Zone):
    zone.write("1.log", "GET /a", "  ", "GET /b")
    text = TEXT.format(format="text", path=zone.folder / "*").replace("event_id: id", "event_id: value")
    found = zone.read(declared(text.replace("to_timestamp(at)", "to_timestamp(value)")))
    assert [row.value for row in found.rows] == ["GET /a", "GET /b"]
    assert (found.parsed.schema.names, found.pinned) == (["value"], [])


def test_parquet_has_types_of_its_own(zone: Zone, spark: SparkSession):
    spark.createDataFrame([(1, "x")], "id BIGINT, at STRING").coalesce(1).write.parquet(str(zone.folder / "p"))
    source = declared(TEXT.format(format="parquet", path=zone.folder / "p" / "*.parquet"))
    found = zone.read(source)
    (row,) = found.rows
    assert (row.id, row["at"]) == (1, "x")
    assert found.pinned == [("source:till", 1, "`id` bigint, `at` string")]
