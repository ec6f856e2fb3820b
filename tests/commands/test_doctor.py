"""`omniseg doctor`: finds what is missing, says how to mend it, and needs no Spark for saying so."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkRuntimeError

from omniseg import bootstrap
from omniseg.commands.checks import FAIL, OK, WARN, Finding, machine, places, warehouse
from omniseg.commands.doctor import doctor
from omniseg.commands.ingest import check_key
from omniseg.runtime import Run
from omniseg.settings.load import load_settings
from omniseg.tables import LOCKS
from tests.commands.conftest import Project, make
from tests.test_sparkconf import SAFE

Change = Callable[..., Run]


@pytest.fixture
def run(tmp_path: Path) -> Change:
    """A run on a new project, without Spark, with settings changed as given."""
    folder = make(tmp_path / "project")

    def build(*sets: str) -> Run:
        settings = load_settings(env="local", conf=str(folder / "settings.yml"), sets=sets, environ={})
        return Run("doctor", settings, {"format": "table"})

    return build


def states(findings: Iterator[Finding]) -> list[str]:
    """The states of all findings."""
    return [finding.state for finding in findings]


def report(project: Project, printed: Callable[[], str]) -> tuple[int, dict[str, dict[str, Any]], list[dict[str, str]]]:
    """Exit code, checks by name and settings."""
    printed()
    done = project.execute(doctor, "doctor", format="json")
    text = printed()
    found = json.loads(text[: text.rindex('{"run_id"')])
    return done.exit_code, {check["what"]: check for check in found["checks"]}, found["settings"]


def test_a_new_project_is_fine_and_nothing_is_written(project: Project, printed: Callable[[], str]):
    code, checks, settings = report(project, printed)
    assert code == 0
    assert {check["state"] for check in checks.values()} <= {OK, WARN}
    assert checks["Sources"]["found"].endswith("store_orders")
    assert checks["Lock"]["found"] == "free"
    assert {"Java", "Spark and Delta", "Delta's jars", "Spark session", "MLflow", "Disk"} <= checks.keys()
    origins = {row["setting"]: row["origin"] for row in settings}
    assert origins["warehouse.root"].startswith(str(project.folder / "settings.yml"))
    assert origins["dedupe.window_days"].startswith("conf/base.yml")
    assert not (project.folder / "warehouse").exists()


def test_words_for_the_terminal(project: Project, printed: Callable[[], str]):
    (project.folder / "landing").rename(project.folder / "moved")
    printed()
    project.execute(doctor, "doctor")
    text = printed()
    assert f"WARN  Landing zone: {project.folder}/landing is no folder\n      → make it" in text
    assert "OK    Spark and Delta: pyspark" in text


def test_a_failed_check_ends_with_code_10_and_without_a_stack_trace(
    project: Project, capsys: pytest.CaptureFixture[str]
):
    project.declare("channel: pos", "channel: poss")
    capsys.readouterr()
    assert project.execute(doctor, "doctor").exit_code == 10
    told = capsys.readouterr()
    assert "did you mean 'pos'" in told.out
    assert "not ready to run: Sources" in told.err
    assert "Traceback" not in told.err


def test_without_java_spark_is_not_even_tried(run: Change, printed: Callable[[], str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("omniseg.java.candidates", list)
    monkeypatch.setattr("omniseg.java.given", lambda: None)
    monkeypatch.setattr("omniseg.runtime.build_session", lambda *_, **__: pytest.fail("Spark was started"))
    with pytest.raises(Exception, match="not ready to run: Java"):
        doctor(run())
    text = printed()
    assert "Spark needs Java 17 or newer; found no Java" in text
    assert "WARN  Spark session: not tried" in text


def test_a_session_that_does_not_start_is_a_finding(run: Change, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise PySparkRuntimeError(errorClass="JAVA_GATEWAY_EXITED", messageParameters={})

    monkeypatch.setattr("omniseg.runtime.build_session", refuse)
    finding = next(iter(machine.check_session(run())))
    assert (finding.state, "JAVA_GATEWAY_EXITED" in finding.found) == (FAIL, True)


def test_missing_jars(run: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    monkeypatch.setattr(bootstrap, "jar_folder", lambda: tmp_path)
    finding = next(iter(machine.check_jars(run())))
    assert finding.state == FAIL
    assert "delta-storage" in finding.found
    assert "python -m omniseg.bootstrap" in finding.mend


def test_spark_submit_brings_the_jars(run: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    monkeypatch.setattr(bootstrap, "jar_folder", lambda: tmp_path)
    assert states(machine.check_jars(run())) == [OK]


def test_an_untested_pair(run: Change, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "installed_pair", lambda: ("4.1.4", "4.1.0"))
    finding = next(iter(machine.check_pair(run())))
    assert (finding.state, "never tested" in finding.found) == (FAIL, True)


@pytest.mark.parametrize(
    ("free", "state"),
    [
        pytest.param(0.9, FAIL, id="less_than_one_gib_fails"),
        pytest.param(1.0, WARN, id="one_gib_warns"),
        pytest.param(10.0, OK, id="ten_gib_will_do"),
    ],
)
def test_room_on_the_disk(run: Change, monkeypatch: pytest.MonkeyPatch, free: float, state: str):
    usage = shutil.disk_usage("/")._replace(free=int(free * places.GIB))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert states(places.check_disk(run())) == [state]


def test_disk_of_a_store_is_not_checked(run: Change):
    finding = next(iter(places.check_disk(run("warehouse.root=s3a://bucket/warehouse"))))
    assert (finding.state, "no local folder" in finding.found) == (OK, True)


@pytest.mark.parametrize(
    ("path", "local"),
    [
        pytest.param("/data/x", "/data/x", id="plain"),
        pytest.param("file:/data/x", "/data/x", id="one_slash"),
        pytest.param("file:///data/x", "/data/x", id="three_slashes"),
        pytest.param("hdfs://name/data", None, id="store"),
    ],
)
def test_local_paths(path: str, local: str | None):
    assert places.local(path) == (None if local is None else Path(local))


def test_tracking_store_of_a_laptop_need_not_exist_yet(run: Change):
    finding = next(iter(places.check_tracking(run())))
    assert (finding.state, "will be made by the first training" in finding.found) == (OK, True)


def test_tracking_store_that_exists_is_read(run: Change, tmp_path: Path):
    file = tmp_path / "project" / "mlflow.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE runs (id)")
        database.execute("INSERT INTO runs VALUES (1), (2)")
        database.commit()
    assert next(iter(places.check_tracking(run()))).found.endswith("holds 2 runs")


def test_tracking_store_that_is_something_else(run: Change, tmp_path: Path):
    (tmp_path / "project" / "mlflow.db").write_text("no database, and longer than its header is" * 9, encoding="utf-8")
    finding = next(iter(places.check_tracking(run())))
    assert (finding.state, "not a database" in finding.found) == (FAIL, True)


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine on which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_tracking_server_that_answers(run: Change, port: int):
    assert states(places.check_tracking(run(f"mlflow.tracking_uri=http://127.0.0.1:{port}"))) == [OK]


def test_tracking_server_that_does_not_answer(run: Change):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    finding = next(iter(places.check_tracking(run(f"mlflow.tracking_uri=postgresql://me@127.0.0.1:{port}/mlflow"))))
    assert finding.state == FAIL
    assert "me@" not in finding.found
    assert "--set mlflow.tracking_uri" in finding.mend


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a laptop keeps keys; none is set or kept yet."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("OMNISEG_PSEUDONYM_KEY", "")
    return tmp_path / "omniseg" / "keys"


def test_a_laptop_s_key_is_made_later_and_not_by_the_doctor(run: Change, laptop: Path):
    finding = warehouse.presence(run(), "OMNISEG_PSEUDONYM_KEY")
    assert (finding.state, "the first run makes" in finding.found) == (OK, True)
    assert not laptop.exists()


def test_a_laptop_s_key_is_read_from_its_file(run: Change, laptop: Path):
    laptop.mkdir(parents=True)
    (laptop / "OMNISEG_PSEUDONYM_KEY").write_text("a key of more than 16 letters", encoding="utf-8")
    finding = warehouse.presence(run(), "OMNISEG_PSEUDONYM_KEY")
    assert (finding.state, os.environ["OMNISEG_PSEUDONYM_KEY"]) == (OK, "a key of more than 16 letters")


def test_a_short_key_is_refused(run: Change, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMNISEG_PSEUDONYM_KEY", "short")
    assert warehouse.presence(run(), "OMNISEG_PSEUDONYM_KEY").state == FAIL


def test_another_key_than_the_warehouse_s(project: Project, monkeypatch: pytest.MonkeyPatch):
    check_key(project.run("ingest"))
    checked = project.run("doctor")
    assert states(warehouse.check_keys(checked)) == [OK, OK, OK]
    monkeypatch.setenv("OMNISEG_PSEUDONYM_KEY", "another key than the one before")
    findings = list(warehouse.check_keys(checked))
    assert states(iter(findings)) == [OK, OK, FAIL]
    assert "put the warehouse's own key into OMNISEG_PSEUDONYM_KEY" in findings[2].mend


@pytest.mark.parametrize(
    ("host", "minutes", "state", "words"),
    [
        pytest.param("elsewhere", 5, OK, "held by run ingest-1 (host elsewhere", id="held_by_another_machine"),
        pytest.param("elsewhere", -5, WARN, "left behind by run ingest-1", id="expired"),
        pytest.param(socket.gethostname(), 5, WARN, "left behind by run ingest-1", id="process_is_gone"),
    ],
)
def test_lease(project: Project, host: str, minutes: int, state: str, words: str):
    expires = datetime.now(timezone.utc) + timedelta(minutes=minutes)
    row = ("warehouse", "ingest-1", host, 2**22 + 1, "0", expires)
    project.lake.append(LOCKS, project.spark.createDataFrame([row], LOCKS.ddl))
    finding = next(iter(warehouse.check_lease(project.run("doctor"))))
    assert finding.state == state
    assert words in finding.found


SPARK_OPTION = "spark.authenticate"


def production(project: Project) -> Run:
    """A run of the project that claims to be production."""
    run = project.run("doctor")
    settings = replace(run.settings, profile="production")
    return Run("doctor", settings, {"format": "table"})


def test_production_without_its_safeguards_fails_and_names_each(project: Project):
    (finding,) = machine.check_session(production(project))
    assert (finding.state, finding.what) == (FAIL, "Spark's security")
    assert len(finding.found.splitlines()) > 5
    assert f"profile production: {SPARK_OPTION}: found nothing, expected true" in finding.found


def test_a_cluster_without_them_is_warned(project: Project):
    run = project.run("doctor")
    cluster = Run("doctor", replace(run.settings, profile="cluster"), {}, given_lake=project.lake)
    (finding,) = machine.check_secrecy_of_spark(cluster)
    assert (finding.state, SPARK_OPTION in finding.found) == (WARN, True)


def test_a_cluster_with_all_of_them_is_told_so(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "in_force", lambda _: SAFE)
    run = project.run("doctor")
    cluster = Run("doctor", replace(run.settings, profile="cluster"), {}, given_lake=project.lake)
    assert states(machine.check_secrecy_of_spark(cluster)) == [OK]


def test_a_laptop_is_not_asked_for_them(project: Project):
    assert states(machine.check_secrecy_of_spark(project.run("doctor"))) == []
