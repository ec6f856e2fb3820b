"""Where fitted models are kept: the only module that speaks to MLflow.

A model is logged twice: as Spark ML pipeline, for people who want to look at it, and as JSON document, from which
segments are assigned. Only the document is ever loaded here, and only when its hash is the version asked for: nothing
from the store is unpickled or run.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

import mlflow
import mlflow.spark
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from pyspark.ml import PipelineModel
from pyspark.sql import SparkSession

from omniseg.errors import ReproduceError

VERSION_TAG = "omniseg.model_version"
MODEL_TAG = "omniseg.model"
HASH_TAG = "omniseg.sha256"
DOCUMENT = "model.json"
PIPELINE = "pipeline"
VERSION = re.compile(r"[0-9a-f]{16}")
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
SQLITE = "sqlite:///"
REQUIREMENTS = ("pyspark",)  # given, because MLflow would otherwise spend seconds on guessing
CHATTY = ("mlflow", "alembic", "mlflow.spark", "mlflow.store.db.utils", "mlflow.utils.environment")


@dataclass(frozen=True)
class Logged:
    """One logged model; `data` are the tags and `figures` the metrics given with it."""

    version: str
    logged_at: datetime
    run_id: str
    figures: Mapping[str, float]
    data: Mapping[str, str]


@dataclass(frozen=True)
class Registry:
    """Models in one MLflow experiment. `tracking_uri` is what MLflow takes; with SQLite, artefacts lie beside it."""

    tracking_uri: str
    experiment: str

    def log(
        self,
        pipeline: PipelineModel,
        document: str,
        *,
        model: str,
        params: Mapping[str, object],
        metrics: Mapping[str, float],
        data: Mapping[str, str],
        work_dir: str,
    ) -> str:
        """Keep a fitted model under the name `model` and return its version, the hash of `document`.

        `data` says which data it was fitted on; `work_dir` (a path Spark can write) holds the pipeline on its way. A
        version that is there already is left as it is.
        """
        digest = sha256(document.encode()).hexdigest()
        version = digest[:16]
        if self.find(version, model):
            return version
        self.connect()
        tags = {**data, MODEL_TAG: model, HASH_TAG: digest}
        with mlflow.start_run(experiment_id=self.experiment_id(), run_name=f"{model}-{version}", tags=tags) as run:
            mlflow.log_params({name: str(value) for name, value in params.items()})
            mlflow.log_metrics(dict(metrics))
            mlflow.log_text(document, DOCUMENT)
            requirements = [f"{name}=={metadata.version(name)}" for name in REQUIREMENTS]
            with copied_from(work_dir):
                mlflow.spark.log_model(pipeline, PIPELINE, dfs_tmpdir=work_dir, pip_requirements=requirements)
            # Last, so that a run that was killed before has no version and is never found.
            self.client().set_tag(run.info.run_id, VERSION_TAG, version)
        return version

    def load(self, version: str, *, model: str) -> str:
        """The document of a version; ReproduceError when there is none or its hash is another."""
        found = self.find(version, model)
        if not found:
            raise ReproduceError(
                f"model {model} has no version {version!r} in {self.shown_uri()}, experiment {self.experiment}"
            )
        document = self.read(found[0].info.run_id)
        if sha256(document.encode()).hexdigest()[:16] != version:
            raise ReproduceError(
                f"model {model} {version}: the stored document has another hash, so it was changed; not used"
            )
        return document

    def versions(self, model: str) -> tuple[Logged, ...]:
        """The complete models of this name, the newest first."""
        return tuple(logged(run) for run in self.find(None, model))

    def find(self, version: str | None, model: str) -> list[Run]:
        """Runs with a version of `model` (None = any), newest first; names that are none find nothing."""
        if not NAME.fullmatch(model) or (version is not None and not VERSION.fullmatch(version)):
            return []
        condition = f"tags.`{VERSION_TAG}` != ''" if version is None else f"tags.`{VERSION_TAG}` = '{version}'"
        return list(
            self.client().search_runs(
                [self.experiment_id()],
                f"{condition} and tags.`{MODEL_TAG}` = '{model}'",
                order_by=["attributes.start_time DESC", "attributes.run_id ASC"],
            )
        )

    def read(self, run_id: str) -> str:
        """The document of a run, as text."""
        try:
            self.connect()
            return str(mlflow.artifacts.load_text(f"runs:/{run_id}/{DOCUMENT}"))
        except (OSError, UnicodeDecodeError, mlflow.MlflowException) as error:
            raise ReproduceError(f"the model document of run {run_id} cannot be read: {error}") from error

    def experiment_id(self) -> str:
        """The experiment, made at first use; artefacts of a SQLite store lie in a folder beside it, not in the cwd."""
        client = self.client()
        found = client.get_experiment_by_name(self.experiment)
        if found is not None:
            return str(found.experiment_id)
        return str(client.create_experiment(self.experiment, artifact_location=self.artifact_location()))

    def artifact_location(self) -> str | None:
        """Where a new experiment keeps its artefacts; None leaves it to the store."""
        if not self.tracking_uri.startswith(SQLITE):
            return None
        return (Path(self.tracking_uri.removeprefix(SQLITE)).resolve().parent / "mlflow-artifacts").as_uri()

    def client(self) -> MlflowClient:
        """A client of the store; the folder of a SQLite file is made when missing."""
        quiet()
        if self.tracking_uri.startswith(SQLITE):
            Path(self.tracking_uri.removeprefix(SQLITE)).parent.mkdir(parents=True, exist_ok=True)
        return MlflowClient(tracking_uri=self.tracking_uri)

    def connect(self) -> None:
        """Point MLflow's global functions (which know no client) at this store."""
        quiet()
        mlflow.set_tracking_uri(self.tracking_uri)

    def shown_uri(self) -> str:
        """The tracking URI without a password."""
        return re.sub(r"//[^/@]*@", "//…@", self.tracking_uri)


@contextmanager
def copied_from(folder: str) -> Iterator[None]:
    """MLflow copies a pipeline from Hadoop's default file system, wherever it was told to put it; here it takes the one
    that `folder` lies on, which may be an object store.
    """
    context = SparkSession.active().sparkContext
    jvm: Any = context._jvm
    copier: Any = mlflow.spark._HadoopFileSystem
    before = copier._filesystem
    copier._filesystem = jvm.org.apache.hadoop.fs.Path(folder).getFileSystem(context._jsc.hadoopConfiguration())
    try:
        yield
    finally:
        copier._filesystem = before


def logged(run: Run) -> Logged:
    """A run as a model; MLflow's own tags are left out."""
    tags = {name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")}
    moment = datetime.fromtimestamp(run.info.start_time / 1000, tz=timezone.utc)
    return Logged(tags[VERSION_TAG], moment, run.info.run_id, dict(run.data.metrics), tags)


def quiet() -> None:
    """Let MLflow speak of trouble only; its migrations and hints are no news to whoever runs a job."""
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
