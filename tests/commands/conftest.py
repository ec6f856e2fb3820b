"""A project as `omniseg init` makes it, and commands run on it in the shared session."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from omniseg.commands.accounts import Survey
from omniseg.commands.batch import commit
from omniseg.commands.batch_rows import batch_rows
from omniseg.commands.deliveries import deliveries
from omniseg.commands.ingest import ingest
from omniseg.commands.init import init
from omniseg.lake.store import Lake
from omniseg.runtime import Run, execute
from omniseg.settings.load import load_settings
from omniseg.settings.sources import load_declarations

Command = Callable[[Run], None]
HEADER = "receipt;line;sold_at;card_no;qty;price;article\n"


@dataclass
class Project:
    """A project folder and its warehouse."""

    folder: Path
    spark: SparkSession
    sets: list[str] = field(default_factory=list)

    @property
    def lake(self) -> Lake:
        """The warehouse, as a new run sees it."""
        return Lake(self.spark, str(self.folder / "warehouse"))

    @property
    def declaration(self) -> Path:
        """The file that declares store_orders."""
        return self.folder / "sources" / "store_orders.yml"

    def run(self, command: str, options: Mapping[str, Any] | None = None, sets: tuple[str, ...] = ()) -> Run:
        """A run of `command` with the project's settings."""
        conf = str(self.folder / "settings.yml")
        settings = load_settings(env="local", conf=conf, sets=[*self.sets, *sets], environ={})
        given = {"format": "table", **(options or {})}
        return Run(command, settings, given, date(2025, 3, 31), given_lake=self.lake)

    def execute(self, function: Command, command: str, *, locks: bool = False, **options: Any) -> Run:
        """A finished run of `function`, with whatever end it took."""
        run = self.run(command, options)
        execute(run, function, locks=locks)
        return run

    def ingest(self) -> Run:
        """A finished ingest, without lock and row in ops.runs (which `execute` adds)."""
        run = self.run("ingest")
        ingest(run)
        return run

    def take(self) -> None:
        """Enter what waits into the ledger as taken by batch 1, without reading it."""
        run = self.run("ingest")
        declarations = load_declarations(run.settings.sources.dir, run.settings)
        waiting = {name: files for name, files in deliveries(run, declarations).items() if files}
        commit(batch_rows(run.lake, 1), waiting, Survey({}, {}, [], rejected=frozenset(), exploded=False), {})

    def copy(self, folder: Path) -> Project:
        """The same tables and declarations elsewhere, with an empty landing zone."""
        for part in ("warehouse", "sources"):
            shutil.copytree(self.folder / part, folder / part)
        (folder / "landing" / "store_orders").mkdir(parents=True)
        text = (self.folder / "settings.yml").read_text(encoding="utf-8")
        (folder / "settings.yml").write_text(text.replace(str(self.folder), str(folder)), encoding="utf-8")
        return Project(folder, self.spark)

    def deliver(self, name: str, *lines: str) -> None:
        """A file of store_orders with these lines."""
        target = self.folder / "landing" / "store_orders" / name
        target.write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")

    def declare(self, old: str, new: str) -> None:
        """Mend the declaration."""
        text = self.declaration.read_text(encoding="utf-8")
        assert old in text
        self.declaration.write_text(text.replace(old, new), encoding="utf-8")


def make(folder: Path) -> Path:
    """A project in `folder`, by the command itself."""
    settings = load_settings(env="local", conf=None, sets=(), environ={})
    init(Run("init", settings, {"dir": str(folder), "format": "table"}))
    return folder


@pytest.fixture
def project(spark: SparkSession, tmp_path: Path) -> Project:
    """The project that `init` makes, example included."""
    return Project(make(tmp_path / "project"), spark)


@pytest.fixture
def empty_project(project: Project) -> Project:
    """The same without the example delivery."""
    for file in (project.folder / "landing" / "store_orders").iterdir():
        file.unlink()
    return project


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What commands printed on stdout since the last call."""
    return lambda: capsys.readouterr().out


def listed(text: str) -> list[dict[str, Any]]:
    """The rows of a listing in JSON that stands before the last line."""
    found: list[dict[str, Any]] = json.loads(text[: text.rindex('{"run_id"')])
    return found
