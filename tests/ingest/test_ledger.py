"""Which files are new: names that wait, files that may still grow, touched files and changed ones. Needs no Spark."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from omniseg.ingest.ledger import Candidate, Known, ready, to_hash, untaken

NOW = datetime(2024, 3, 5, 12, tzinfo=timezone.utc)
EARLIER = NOW - timedelta(days=1)
PATH = "file:/in/orders/a.csv"


def candidate(path: str = PATH, *, size: int = 10, mtime: datetime = EARLIER) -> Candidate:
    """A file of ten bytes, left alone for a day."""
    return Candidate(path, size, mtime)


def known(*, size: int = 10, mtime: datetime = EARLIER, content_hash: str = "sha256:aa") -> Known:
    """What the ledger says of the same file."""
    return Known(size, mtime, content_hash)


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        pytest.param("file:/in/a.csv", True, id="usual_name"),
        pytest.param("file:/in/_a.csv", False, id="underscore_first"),
        pytest.param("file:/in/a_b.csv", True, id="underscore_inside"),
        pytest.param("file:/in/.a.csv", False, id="dot_first"),
        pytest.param("file:/in/a.csv.tmp", False, id="tmp_at_the_end"),
        pytest.param("file:/in/tmp", True, id="tmp_is_the_whole_name"),
        pytest.param("file:/in/a.tmp.csv", True, id="tmp_inside"),
        pytest.param("file:/in/a.csv.manifest.json", False, id="manifest_of_a_file"),
        pytest.param("file:/in/manifest.json", True, id="file_that_is_called_manifest"),
        pytest.param("file:/_in/a.csv", True, id="only_the_last_part_of_the_path_counts"),
        pytest.param("file:/in/_table/", False, id="folder_with_a_slash_at_the_end"),
        pytest.param("_a.csv", False, id="no_folder_at_all"),
        pytest.param("s3a://bucket/in/a b%20c.csv", True, id="blanks_and_percent_signs"),
    ],
)
def test_names_that_wait(path: str, *, taken: bool):
    assert ready(candidate(path), now=NOW, settle_seconds=0) is taken


@pytest.mark.parametrize(
    ("age_seconds", "settle_seconds", "taken"),
    [
        pytest.param(61, 60, True, id="older_than_the_limit"),
        pytest.param(60, 60, True, id="exactly_the_limit"),
        pytest.param(59, 60, False, id="one_second_too_young"),
        pytest.param(0, 0, True, id="no_limit"),
        pytest.param(-5, 0, True, id="without_a_limit_a_time_in_the_future_is_no_reason_to_wait"),
        pytest.param(-5, 60, False, id="a_time_in_the_future_waits_with_a_limit"),
    ],
)
def test_files_settle(age_seconds: int, settle_seconds: int, *, taken: bool):
    file = candidate(mtime=NOW - timedelta(seconds=age_seconds))
    assert ready(file, now=NOW, settle_seconds=settle_seconds) is taken


@pytest.mark.parametrize(
    ("ledger", "looked_at"),
    [
        pytest.param([], True, id="unknown_path"),
        pytest.param([known()], False, id="same_size_and_time"),
        pytest.param([known(mtime=EARLIER - timedelta(seconds=1))], True, id="touched"),
        pytest.param([known(size=9)], True, id="grown"),
        pytest.param([known(size=9), known()], False, id="as_it_was_at_the_last_of_two_deliveries"),
        pytest.param([known(), known(size=9)], False, id="as_it_was_at_the_first_of_two_deliveries"),
        pytest.param([known(size=9), known(mtime=NOW)], True, id="size_of_one_delivery_and_time_of_another_is_neither"),
    ],
)
def test_only_files_that_changed_are_read_again(ledger: list[Known], *, looked_at: bool):
    found = to_hash([candidate()], {PATH: ledger} if ledger else {})
    assert found == ([candidate()] if looked_at else [])


def test_a_file_of_the_same_name_elsewhere_is_another_file():
    other = candidate("file:/in/returns/a.csv")
    assert to_hash([candidate(), other], {PATH: [known()]}) == [other]


@pytest.mark.parametrize(
    ("content_hash", "ledger", "taken"),
    [
        pytest.param("sha256:bb", {}, True, id="never_seen"),
        pytest.param("sha256:aa", {PATH: [known()]}, False, id="touched_but_the_same"),
        pytest.param("sha256:bb", {PATH: [known()]}, True, id="other_content_is_a_new_delivery"),
        pytest.param(
            "sha256:aa",
            {PATH: [known(), known(content_hash="sha256:bb")]},
            False,
            id="back_to_the_content_before_last",
        ),
        pytest.param("sha256:aa", {"file:/in/b.csv": [known()]}, True, id="a_copy_under_another_name_is_a_delivery"),
    ],
)
def test_content_decides(content_hash: str, ledger: dict[str, list[Known]], *, taken: bool):
    found = untaken([candidate()], {PATH: content_hash}, ledger)
    assert found == ([candidate()] if taken else [])


def test_the_order_of_the_listing_stays():
    files = [candidate(f"file:/in/{name}.csv") for name in "cab"]
    assert to_hash(files, {}) == files
    assert untaken(files, {file.path: file.path for file in files}, {}) == files


def test_every_hashed_file_needs_its_hash():
    with pytest.raises(KeyError):
        untaken([candidate()], {}, {})
