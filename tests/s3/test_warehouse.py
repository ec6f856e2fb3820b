"""The whole warehouse and the landing zone in an S3-compatible store on loopback: the tables of a local disk."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow.fs import LocalFileSystem, S3FileSystem, copy_files
from pyspark.sql import SparkSession

from omniseg import bootstrap
from omniseg.lake.store import Lake
from omniseg.tables import CUSTOMER_DAY, CUSTOMER_FEATURES, SEGMENT_SNAPSHOTS, SILVER_EVENTS, SNAPSHOT_POINTER, Table
from tests.cluster.standalone import killed_at_the_end, until
from tests.conftest import SMALL
from tests.multiset import stored
from tests.s3 import jars
from tests.s3.flaky import flaky
from tests.source_tree import ROOT
from tests.test_faults import AS_OF, deliver, night, sets

SERVER = ROOT / ".venv-s3" / "bin" / "moto_server"
ACCESS = {"AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "anything", "AWS_REGION": "us-east-1"}
BUCKET = "omniseg"
COMPARED = (SILVER_EVENTS, CUSTOMER_DAY, CUSTOMER_FEATURES, SEGMENT_SNAPSHOTS)
# A store keeps its own times of delivery, and its own names of files.
OF_THE_DELIVERY = ("received_at", "record_id")
pytestmark = [pytest.mark.soak, pytest.mark.timeout(2400)]


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    """An S3-compatible store that begins empty."""
    assert SERVER.is_file(), f"{SERVER} is missing: `make soak` makes this environment"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (tmp_path / "s3.log").open("wb") as log:
        command = [str(SERVER), "-H", "127.0.0.1", "-p", str(port)]
        with killed_at_the_end(command, os.environ, log):
            until(lambda: reached(port), "an S3-compatible store")
            yield f"http://127.0.0.1:{port}"


def reached(port: int) -> bool:
    """True once something listens; OSError before."""
    socket.create_connection(("127.0.0.1", port), 1).close()
    return True


def store(endpoint: str) -> S3FileSystem:
    """The store as Arrow sees it."""
    return S3FileSystem(
        endpoint_override=endpoint,
        access_key=ACCESS["AWS_ACCESS_KEY_ID"],
        secret_key=ACCESS["AWS_SECRET_ACCESS_KEY"],
        region=ACCESS["AWS_REGION"],
        allow_bucket_creation=True,
    )


def omniseg(endpoint: str, folder: Path, zone: Path, *words: str) -> dict[str, object]:
    """The last line of a command on the store, in a process of its own."""
    options = {
        **SMALL,
        "spark.jars": ",".join([*bootstrap.delta_jars(), *map(str, jars.paths())]),
        "spark.hadoop.fs.s3a.endpoint": endpoint,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
    }
    given = [*sets(folder, zone), f"warehouse.root=s3a://{BUCKET}/warehouse", f"landing.root=s3a://{BUCKET}/landing"]
    given += [f"{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "omniseg", *words, *(word for text in given for word in ("--set", text))]
    done = subprocess.run(command, env=os.environ | ACCESS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def rows(endpoint: str, table: Table) -> list[str]:
    """The rows of a table in the store."""
    options = {**ACCESS, "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true"}
    return stored(f"s3://{BUCKET}/warehouse/{table.name.replace('.', '/')}", OF_THE_DELIVERY, options)


def test_a_warehouse_in_an_object_store_holds_the_same_rows(spark: SparkSession, endpoint: str, tmp_path: Path):
    deliver(tmp_path / "zone")
    remote = store(endpoint)
    remote.create_dir(BUCKET)
    local = LocalFileSystem()
    copy_files(str(tmp_path / "zone" / "landing"), f"{BUCKET}/landing", local, remote)

    run = ("run", "--as-of", AS_OF.isoformat())
    first = omniseg(endpoint, tmp_path, tmp_path / "zone", *run)
    assert first["status"] == "ok"
    assert omniseg(endpoint, tmp_path, tmp_path / "zone", *run)["status"] == "nothing_new"

    lake = night(spark, tmp_path / "here", tmp_path / "zone")
    for table in COMPARED:
        assert rows(endpoint, table) == stored(lake.path(table), OF_THE_DELIVERY), table.name
    assert len(rows(endpoint, SEGMENT_SNAPSHOTS)) == 60
    assert published(lake) == first["snapshot_id"]

    assert omniseg(endpoint, tmp_path, tmp_path / "zone", "maintain")["status"] == "ok"
    assert len(rows(endpoint, SEGMENT_SNAPSHOTS)) == 60
    assert not (tmp_path / "warehouse").exists()


def test_F11_a_store_that_refuses_and_loses_answers_costs_tries_and_no_rows(
    spark: SparkSession, endpoint: str, tmp_path: Path
):
    deliver(tmp_path / "zone")
    remote = store(endpoint)
    remote.create_dir(BUCKET)
    copy_files(str(tmp_path / "zone" / "landing"), f"{BUCKET}/landing", LocalFileSystem(), remote)
    with flaky(endpoint, seed=11) as days:
        first = omniseg(days.endpoint, tmp_path, tmp_path / "zone", "run", "--as-of", AS_OF.isoformat())
    assert first["status"] == "ok"
    assert days.injected["refused"] > 20
    assert days.injected["lost"] > 5
    lake = night(spark, tmp_path / "here", tmp_path / "zone")
    for table in COMPARED:
        assert rows(endpoint, table) == stored(lake.path(table), OF_THE_DELIVERY), table.name
    assert published(lake) == first["snapshot_id"]


def published(lake: Lake) -> str:
    """The snapshot that readers of a local warehouse see."""
    [row] = stored(lake.path(SNAPSHOT_POINTER))
    return str(json.loads(row)["snapshot_id"])
