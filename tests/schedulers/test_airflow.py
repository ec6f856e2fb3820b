"""The example DAG as the real Airflow reads and runs it, in an environment of its own that `make soak` makes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.schedulers.conftest import EXAMPLES
from tests.source_tree import ROOT

AIRFLOW = ROOT / ".venv-airflow" / "bin" / "python"


@pytest.mark.soak
def test_F16_airflow_catches_up_in_order_and_tells_the_exit_codes_apart(tmp_path: Path, submitter: Path):
    assert AIRFLOW.is_file(), f"{AIRFLOW} is missing: `make soak` makes this environment"
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "omniseg_nightly.py").write_text((EXAMPLES / "omniseg_nightly.py").read_text(encoding="utf-8"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    environment |= {"PATH": f"{submitter.parent}:{environment['PATH']}", "FAKE_LOG": str(tmp_path / "submitted")}
    environment |= {"AIRFLOW_HOME": str(tmp_path / "airflow"), "AIRFLOW__CORE__DAGS_FOLDER": str(folder)}
    command = [str(AIRFLOW), str(Path(__file__).with_name("read_dag.py")), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("ends") == {
        "0": "done",
        "1": "tried again",
        "9": "tried again",
        **dict.fromkeys(("2", "3", "7", "10"), "failed"),
    }
    assert found == {
        "dag": "omniseg_nightly",
        "catchup": True,
        "max_active_runs": 1,
        "retries": 3,
        "retry_seconds": 3900.0,
        "missed": ["2025-03-28", "2025-03-29", "2025-03-30"],
        "run": "success",
    }
    [submitted] = (tmp_path / "submitted.run").read_text(encoding="utf-8").splitlines()
    assert submitted.endswith("--as-of 2025-03-29")
