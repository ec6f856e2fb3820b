"""A spark-submit that notes how it was called."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.source_tree import ROOT

EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture
def submitter(tmp_path: Path) -> Path:
    """Writes its words to the file $FAKE_LOG and ends with the exit code $FAKE_CODE."""
    file = tmp_path / "bin" / "spark-submit"
    file.parent.mkdir()
    file.write_text('#!/bin/sh\necho "$@" >> "$FAKE_LOG"\nexit "${FAKE_CODE:-0}"\n', encoding="utf-8")
    file.chmod(0o755)
    return file
