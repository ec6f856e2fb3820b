"""Folders, declarations, the tracking store, the calendar: what settings point to."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from omniseg.commands.checks import FAIL, OK, WARN, Finding
from omniseg.errors import ConfigError
from omniseg.runtime import Run
from omniseg.settings.sources import load_declarations

GIB = 1024**3
LEAST, COMFORTABLE = 1, 10  # GiB free where the tables are: below the first a run fails soon
SECONDS = 5  # that a server may take to answer
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306}
SQLITE = "sqlite:///"


def check_disk(run: Run) -> Iterator[Finding]:
    """Room and the right to write where the tables are."""
    root = run.settings.warehouse.root
    folder = existing(root)
    if folder is None:
        yield Finding(OK, "Disk", f"{root} is no local folder; its free space is not checked")
        return
    free = shutil.disk_usage(folder).free / GIB
    state = FAIL if free < LEAST else WARN if free < COMFORTABLE else OK
    mend = f"free some space, or move warehouse.root ({run.settings.origins['warehouse.root']})" if state != OK else ""
    yield Finding(state, "Disk", f"{free:.1f} GiB free at {root}", mend)
    if not os.access(folder, os.W_OK):
        yield Finding(
            FAIL, "Disk", f"{folder} is not writable", "give this user the right to write, or move warehouse.root"
        )


def check_landing(run: Run) -> Iterator[Finding]:
    """The folder in which deliveries arrive."""
    root, origin = run.settings.landing.root, run.settings.origins["landing.root"]
    folder = local(root)
    if folder is not None and not folder.is_dir():
        yield Finding(WARN, "Landing zone", f"{folder} is no folder", f"make it, or mend landing.root ({origin})")
    else:
        yield Finding(OK, "Landing zone", root)


def check_sources(run: Run) -> Iterator[Finding]:
    """Declarations that can be read."""
    try:
        declarations = load_declarations(run.settings.sources.dir, run.settings)
    except ConfigError as error:
        mend = "mend the lines named; omniseg sources check FILE shows what a declaration does"
        yield Finding(FAIL, "Sources", str(error), mend)
        return
    names = ", ".join(item.name for item in declarations)
    yield Finding(OK, "Sources", f"{len(declarations)} in {run.settings.sources.dir}: {names}")


def check_calendar(run: Run) -> Iterator[Finding]:
    """The zone in which a day begins."""
    zone = run.settings.business.time_zone
    here = datetime.now(ZoneInfo(zone))
    yield Finding(OK, "Business day", f"{here:%Y-%m-%d %H:%M} in {zone} (business.time_zone)")


def check_tracking(run: Run) -> Iterator[Finding]:
    """MLflow is there, and its store can be reached."""
    uri = run.settings.mlflow.tracking_uri
    mend = f"mend mlflow.tracking_uri ({run.settings.origins['mlflow.tracking_uri']}), or start the server"
    try:
        release = version("mlflow")
        yield Finding(OK, "MLflow", f"mlflow {release}; {reach(uri)}")
    except PackageNotFoundError:
        yield Finding(FAIL, "MLflow", "mlflow is not installed", "run `make setup` or `pip install omniseg`")
    except (OSError, ValueError, sqlite3.Error) as error:
        yield Finding(FAIL, "MLflow", f"{address(uri)}: {error}", mend)


def reach(uri: str) -> str:
    """What answers at a tracking URI, in words; OSError, ValueError or sqlite3.Error when nothing does."""
    if uri.startswith(SQLITE):
        return reach_sqlite(Path(uri.removeprefix(SQLITE)))
    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    if parts.hostname is None:
        return f"{uri} (not checked)"
    port = parts.port or PORTS.get(scheme)
    if port is None:
        raise ValueError(f"no port given, and none is usual for {scheme}")
    socket.create_connection((parts.hostname, port), SECONDS).close()
    return f"{parts.hostname}:{port} answers"


def reach_sqlite(file: Path) -> str:
    """A database that can be read, or a place where one can be made."""
    if not file.exists():
        folder = existing(str(file.parent))
        if folder is None or not os.access(folder, os.W_OK):
            raise ValueError("its folder cannot be written")
        return f"{file} will be made by the first training"
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
        runs = database.execute("SELECT count(*) FROM runs").fetchone()[0]
    return f"{file} holds {runs:,} runs"


def address(uri: str) -> str:
    """A URI without user and password."""
    head, at, tail = uri.rpartition("@")
    return f"{head.partition('://')[0]}://{tail}" if at else uri


def local(path: str) -> Path | None:
    """A path of this machine; None for one of a store."""
    scheme, separator, rest = path.partition(":")
    if separator and scheme != "file":
        return None
    return Path("/" + rest.lstrip("/")) if separator else Path(path)


def existing(path: str) -> Path | None:
    """The nearest folder above (or at) a local path that exists; None for a path of a store."""
    folder = local(path)
    if folder is None:
        return None
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.is_dir())
