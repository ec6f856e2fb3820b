"""`omniseg demo`: a year of a retailer's data from the landing zone to three published snapshots, in one folder."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from omniseg.commands.journey import delivered, tell
from omniseg.commands.nightly import nightly
from omniseg.runtime import Run, locked, provide_keys
from omniseg.settings.load import load_settings
from omniseg.settings.schema import Settings
from omniseg.simulate.journey import DeliveryReport

PACK = "conf:packs/complete_journey/settings.yml"
MONTH_ENDS = {"first": "2017-10-31", "last": "2017-12-31", "every": "month"}


def demo(run: Run) -> None:
    """Writes everything below --dir; a second run finds nothing new."""
    folder = Path(str(run.options["dir"]))
    run.settings = demo_settings(folder)
    run.options = {**run.options, **MONTH_ENDS}
    tell(run, delivered_meanwhile(run))
    locked(run, nightly)
    if run.exit_code == 0:
        run.say(ends(folder))


def delivered_meanwhile(run: Run) -> DeliveryReport:
    """Deliver while Spark starts: one is work for Python and the disk, the other for Java."""
    provide_keys(run.settings)  # Python on executors sees the environment in which Spark started
    with ThreadPoolExecutor(max_workers=1) as pool:
        delivering = pool.submit(delivered, run)
        with run.step("delivering"):
            return delivering.result()


def demo_settings(folder: Path) -> Settings:
    """The settings of the Complete Journey pack with every output below `folder`."""
    return load_settings(env="local", conf=PACK, sets=sets_of(folder), environ=os.environ)


def sets_of(folder: Path) -> list[str]:
    """What `--set` would say to put every output below `folder`."""
    return [
        f"warehouse.root={folder.resolve() / 'warehouse'}",
        f"landing.root={folder.resolve() / 'landing'}",
        f"mlflow.tracking_uri=sqlite:///{folder.resolve() / 'mlflow' / 'mlflow.db'}",
        f"reports.dir={folder / 'reports'}",
    ]


def ends(folder: Path) -> str:
    """Where everything is, and what to try next."""
    again = f"--conf {PACK} --set warehouse.root={folder}/warehouse --set landing.root={folder}/landing"
    return "\n".join(
        [
            "",
            f"Landing zone {folder}/landing    files as the retailer's systems deliver them",
            f"Warehouse    {folder}/warehouse  Delta tables: bronze, silver, gold, ops, vault",
            f"Models       {folder}/mlflow     MLflow (mlflow ui --backend-store-uri sqlite:///{folder}/mlflow/mlflow.db)",
            f"Reports      {folder}/reports    a page and a picture for the last date",
            "",
            "Try next:",
            f"  omniseg snapshots list {again}",
            f"  omniseg runs list {again}",
            "  jupyter notebook notebooks/explore_snapshot.ipynb",
            "  make demo      (again: nothing new)",
        ]
    )
