"""`omniseg runs`: what ran, what it counted, how it ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from omniseg.commands import runs
from omniseg.errors import ConfigError
from omniseg.ingest.accounting import Account, Tally
from omniseg.runtime import Run, record
from tests.commands.conftest import Project, listed


def finished(project: Project, run_id: str, **counts: int) -> Run:
    """A run that ended, with one account for each source and what it read (and accepted)."""
    run = project.run("ingest")
    run.run_id = run_id
    run.accounts = [Account(name, read=Tally(n), accepted=Tally(n)) for name, n in counts.items()]
    record(run)
    return run


def test_list_is_empty_before_the_first_run(project: Project, printed: Callable[[], str]):
    printed()
    assert project.execute(runs.show_list, "runs list", format="json").exit_code == 0
    assert listed(printed()) == []


def test_list_has_one_line_for_each_run_with_the_sums_of_its_sources(project: Project, printed: Callable[[], str]):
    finished(project, "ingest-1", till=10, web=5)
    finished(project, "ingest-2")
    printed()
    project.execute(runs.show_list, "runs list", format="json")
    found = [(row["run_id"], row["read"], row["accepted"], row["exit_code"]) for row in listed(printed())]
    assert found == [("ingest-2", 0, 0, 0), ("ingest-1", 15, 15, 0)]


def test_show_has_one_line_for_each_source(project: Project, printed: Callable[[], str]):
    finished(project, "ingest-1", web=5, till=10)
    printed()
    project.execute(runs.show, "runs show", run="ingest-1", format="json")
    assert [(row["source"], row["read"]) for row in listed(printed())] == [("till", 10), ("web", 5)]


def test_show_in_words_names_the_run_and_its_end(project: Project, printed: Callable[[], str]):
    finished(project, "ingest-1", till=10)
    printed()
    project.execute(runs.show, "runs show", run="ingest-1")
    text = printed()
    assert "run_id      ingest-1" in text
    assert "exit_code   0" in text
    assert "as_of       2025-03-31" in text


def test_a_mistyped_run_id_is_refused_with_the_nearest_one(project: Project):
    finished(project, "ingest-20250331T040000-aa11bb")
    with pytest.raises(ConfigError, match="did you mean 'ingest-20250331T040000-aa11bb'"):
        runs.show(project.run("runs show", {"run": "ingest-20250331T040000-aa11b"}))


def test_a_run_id_without_any_run_is_refused(project: Project):
    run = project.execute(runs.show, "runs show", run="ingest-1")
    assert (run.exit_code, run.status) == (2, "refused")
