"""An Airflow 3 DAG: one night of omniseg for each business day, in order; after an outage each day that was missed.

Copy it into the DAG folder of a machine that has spark-submit, the job files and the keys (docs/cluster.md). Spark runs
in client mode, because only then spark-submit ends with the exit code of the job.
"""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pendulum
from airflow.sdk import CronDataIntervalTimetable, dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

ZONE = "Europe/Berlin"  # business.time_zone of the settings
HOME = "/opt/omniseg"
SUBMIT = [
    *("spark-submit", "--master", "yarn", "--deploy-mode", "client"),
    *("--properties-file", f"{HOME}/spark-submit.conf", "--load-spark-defaults"),
    *("--jars", f"{HOME}/jars/delta-spark_4.2_2.13-4.4.0.jar,{HOME}/jars/delta-storage-4.4.0.jar"),
    *("--py-files", f"{HOME}/omniseg-0.1.0-py3-none-any.zip"),
    *(f"{HOME}/jobs/run_nightly.py", "--env", "cluster", "--conf", "/etc/omniseg/settings.yml"),
]
# Spark or its cluster failed; another run holds the lock. Every other code asks for a person, so it is not tried again.
WORTH_ANOTHER_TRY = {1, 9}


@dag(
    dag_id="omniseg_nightly",
    schedule=CronDataIntervalTimetable("0 3 * * *", timezone=ZONE),
    start_date=pendulum.datetime(2025, 1, 1, tz=ZONE),
    catchup=True,  # a day that was missed gets its snapshot, too
    max_active_runs=1,  # one after the other, the oldest first
    tags=["omniseg"],
)
def omniseg_nightly() -> None:
    """Days do not wait for each other: an older day that is mended later leaves readers the newer snapshot."""

    # Each try waits longer than lock.lease_seconds of conf/cluster.yml: the lease of a driver that died ends by then.
    @task(retries=3, retry_delay=timedelta(minutes=65), execution_timeout=timedelta(hours=12))
    def night(as_of: str) -> None:
        """The night's work; its log and last line are the log of this task."""
        code = subprocess.run([*SUBMIT, "--as-of", as_of], check=False).returncode
        if code in WORTH_ANOTHER_TRY or code < 0:
            raise AirflowException(f"exit code {code}: worth another try")
        if code:
            raise AirflowFailException(f"exit code {code}: docs/commands.md says what it asks for")

    night(as_of="{{ data_interval_start.in_timezone('" + ZONE + "').to_date_string() }}")


omniseg_nightly()
