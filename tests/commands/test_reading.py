"""From files to parsed rows: headers, pinned schemas, drift. CSV by its header, JSON and Parquet by their fields."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import types as T

from omniseg.commands.deliveries import deliveries
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

    def parse(self, declaration: Declaration, *, pin: bool = True) -> Parsed:
        """All files, parsed."""
        run = self.run
        return parsed_files(run, declaration, deliveries(run, [declaration])[declaration.name], pin=pin)

    def pinned(self) -> list[tuple[str, int, str]]:
        """What the warehouse remembers of schemas."""
        rows = bounded(self.run.lake.read(MIGRATIONS), 100)
        return [(row.object, row.version, row.definition) for row in rows]


def declared(text: str) -> Declaration:
    """The declaration in a text."""
    return read_declaration(yaml_strict.parse(text.encode(), "d.yml"), file="d.yml")


@pytest.fixture
def zone(spark: SparkSession, tmp_path: Path) -> Zone:
    """An empty landing zone."""
    return Zone(spark, tmp_path)


def rows_of(parsed: Parsed) -> list[Row]:
    """The parsed rows in reading order."""
    assert parsed.rows is not None
    return sorted(bounded(parsed.rows, 100), key=lambda row: (row["__file"], row["__position"]))


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


# ---- files


def test_the_first_header_is_pinned_once(zone: Zone):
    source = zone.declaration("csv")
    zone.write("1.csv", "id,at", "a,x")
    zone.write("2.csv", "at,id,till", "y,b,T9")
    found = zone.parse(source)
    assert [(row.id, row["at"], row["__rescued"]) for row in rows_of(found)] == [
        ("a", "x", None),
        ("b", "y", '{"till":"T9"}'),
    ]
    assert zone.pinned() == [("source:till", 1, "`id` string, `at` string")]
    zone.parse(source)
    assert len(zone.pinned()) == 1


def test_a_dry_run_pins_nothing(zone: Zone):
    zone.write("1.csv", "id,at", "a,x")
    assert zone.parse(zone.declaration("csv"), pin=False).schema.names == ["id", "at"]
    assert zone.pinned() == []


def test_an_empty_file_does_not_decide_the_schema(zone: Zone):
    zone.write("1.csv")
    source = zone.declaration("csv")
    nothing = zone.parse(source)
    assert (nothing.rows, nothing.refused, zone.pinned()) == (None, {}, [])
    zone.write("2.csv", "id,at", "a,x")
    assert [row.id for row in rows_of(zone.parse(source))] == ["a"]
    assert zone.pinned() == [("source:till", 1, "`id` string, `at` string")]


def test_a_file_that_drifted_is_refused_and_the_others_are_read(zone: Zone):
    source = zone.declaration("csv")
    zone.write("1.csv", "id,at", "a,x")
    zone.parse(source)
    zone.write("2.csv", "id,when", "b,y")
    found = zone.parse(source)
    assert [row.id for row in rows_of(found)] == ["a"]
    ((path, reason),) = found.refused.items()
    assert path.endswith("2.csv")
    assert reason.startswith("columns that earlier deliveries had are missing: at")


def test_nothing_is_read_when_all_files_drifted(zone: Zone):
    source = zone.declaration("csv", 'schema: "id STRING, at STRING"\n')
    zone.write("1.csv", "id", "a")
    found = zone.parse(source)
    assert (found.rows, [Path(path).name for path in found.refused]) == (None, ["1.csv"])


def test_csv_without_a_header_has_the_declared_columns_in_order(zone: Zone):
    zone.write("1.csv", "a,x", "b,y")
    found = zone.parse(zone.declaration("csv", 'options: {header: false}\nschema: "id STRING, at STRING"\n'))
    assert [(row.id, row["at"]) for row in rows_of(found)] == [("a", "x"), ("b", "y")]


def test_names_of_columns_are_free(zone: Zone):
    zone.write("1.csv", "id,at,first-name,a`b,x.y", "a,x,1,2,3")
    source = zone.declaration("csv")
    for _ in range(2):  # by the file, then by what was pinned
        (row,) = rows_of(zone.parse(source))
        assert (row["first-name"], row["a`b"], row["x.y"]) == ("1", "2", "3")


def test_json_is_pinned_by_its_fields_with_every_leaf_as_text(zone: Zone):
    zone.write("1.jsonl", '{"id":1,"at":"x","user":{"first-name":"n","tags":[1.50]}}')
    source = zone.declaration("json")
    for _ in range(2):
        (row,) = rows_of(zone.parse(source))
        assert (row.id, row.user["first-name"], row.user.tags) == ("1", "n", ["1.5"])
    ((_, _, definition),) = zone.pinned()
    assert definition == "`at` string, `id` string, `user` struct<`first-name`:string,tags:array<string>>"


def test_a_json_field_that_comes_later_is_rescued(zone: Zone):
    zone.write("1.jsonl", '{"id":1,"at":"x"}')
    source = zone.declaration("json")
    zone.parse(source)
    zone.write("2.jsonl", '{"id":2,"at":"y","more":true}')
    assert [row["__rescued"] for row in rows_of(zone.parse(source))] == [None, '{"more":"true"}']


def test_declared_schemas_are_not_pinned_and_text_stays_text(zone: Zone):
    zone.write("1.jsonl", '{"id":"7","at":"x","qty":"two"}')
    found = zone.parse(zone.declaration("json", 'schema: "id BIGINT, at STRING, qty INT"\n'))
    (row,) = rows_of(found)
    assert (row.id, row.qty, list(row["__rules"]), zone.pinned()) == ("7", "two", [], [])


def test_text_is_one_column(zone: Zone):
    zone.write("1.log", "GET /a", "  ", "GET /b")
    text = TEXT.format(format="text", path=zone.folder / "*").replace("event_id: id", "event_id: value")
    found = zone.parse(declared(text.replace("to_timestamp(at)", "to_timestamp(value)")))
    assert [row.value for row in rows_of(found)] == ["GET /a", "GET /b"]
    assert (found.schema.names, zone.pinned()) == (["value"], [])


def test_parquet_has_types_of_its_own(zone: Zone, spark: SparkSession):
    spark.createDataFrame([(1, "x")], "id BIGINT, at STRING").coalesce(1).write.parquet(str(zone.folder / "p"))
    source = declared(TEXT.format(format="parquet", path=zone.folder / "p" / "*.parquet"))
    (row,) = rows_of(zone.parse(source))
    assert (row.id, row["at"]) == (1, "x")
    assert zone.pinned() == [("source:till", 1, "`id` bigint, `at` string")]
