"""What the real Airflow makes of the example DAG, as one line of JSON. Runs in an environment of its own, which has
Airflow and no omniseg: `read_dag.py DAG_FOLDER`, with AIRFLOW_HOME set and a `spark-submit` on the PATH.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pendulum
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.db import initdb


def read(folder: str) -> dict[str, Any]:
    """The DAG, its first runs after an outage, how each exit code ends a task, and one run."""
    bag = DagBag(folder)
    if bag.import_errors:
        return {"errors": bag.import_errors}
    [dag] = bag.dags.values()
    [task] = dag.tasks
    return {
        "dag": dag.dag_id,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "retries": task.retries,
        "retry_seconds": task.retry_delay.total_seconds(),
        "missed": missed(dag),
        "ends": {code: ends(task, code) for code in (0, 1, 2, 3, 7, 9, 10)},
        "run": one_run(dag),
    }


def missed(dag: Any) -> list[str]:
    """The days that are due when the scheduler comes back after three nights, in the order in which they start."""
    scheduled = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    away, back = pendulum.datetime(2025, 3, 28, 1), pendulum.datetime(2025, 3, 30, 4)
    runs = scheduled.iter_dagrun_infos_between(away, back)
    return [run.data_interval.start.in_timezone("Europe/Berlin").to_date_string() for run in runs]


def ends(task: Any, code: int) -> str:
    """How the task ends when spark-submit ends with `code`."""
    os.environ["FAKE_CODE"] = str(code)
    try:
        task.python_callable("2025-03-30")
    except AirflowFailException:
        return "failed"
    except AirflowException:
        return "tried again"
    return "done"


def one_run(dag: Any) -> str:
    """The state of a whole run, templates and all, for the night after 30 March."""
    os.environ["FAKE_CODE"] = "0"
    os.environ["FAKE_LOG"] += ".run"
    initdb()
    return str(dag.test(logical_date=pendulum.datetime(2025, 3, 30, 1)).state)


if __name__ == "__main__":
    print(json.dumps(read(sys.argv[1])))
