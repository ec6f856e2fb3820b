"""`omniseg quarantine` before anything was ever quarantined."""

from __future__ import annotations

from collections.abc import Callable

from omniseg.commands import quarantine
from tests.commands.conftest import Project, listed


def test_empty_listings(project: Project, printed: Callable[[], str]):
    printed()
    assert project.execute(quarantine.show_list, "quarantine list", format="json").exit_code == 0
    assert listed(printed()) == []
    shown = project.execute(quarantine.show, "quarantine show", source=None, rule=None, limit=20)
    assert shown.exit_code == 0
    assert "No open record." in printed()
    assert not (project.folder / "warehouse").exists()
