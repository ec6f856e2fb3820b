"""`omniseg train`: fit the clusters on a seeded sample and keep the model in MLflow. Nightly runs only assign."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.algorithms.matching import inherit_ids
from omniseg.algorithms.training import Fit, FittedModel, fit
from omniseg.commands.declared import feature_set, segments_declaration
from omniseg.commands.features import features_table, prepared, refresh, vectors_known
from omniseg.commands.knowledge import Known
from omniseg.faults import crash_here
from omniseg.lake.staging import staging
from omniseg.models.space import training_sample
from omniseg.models.spec import ModelSpec, parse_spec
from omniseg.registry import Logged, Registry
from omniseg.runtime import Run

TRAINED_ON = "as_of"  # tag of a model: the date whose features it was fitted on


def train(run: Run) -> None:
    """Reads gold.customer_features; writes a model to MLflow."""
    assert run.as_of is not None
    version = train_model(run, run.as_of, prepared(run, feature_set(run.settings)))
    run.say(f"Model {run.settings.model.name} {version} is in {registry(run).shown_uri()}")
    run.say(f"Next: omniseg snapshot --as-of {run.as_of}")


def registry(run: Run) -> Registry:
    """Where models are kept."""
    return Registry(run.settings.mlflow.tracking_uri, run.settings.mlflow.experiment)


def model_for(run: Run, as_of: date, known: Known) -> str:
    """Version of the newest model trained on `as_of` or before; of a new one where there is none or it is older than
    model.max_age_days.
    """
    logged = newest_model(run, as_of)
    oldest = as_of - timedelta(days=run.settings.model.max_age_days)
    if logged is None or date.fromisoformat(logged.data[TRAINED_ON]) < oldest:
        return train_model(run, as_of, known)
    return logged.version


def spec_of(run: Run, version: str) -> ModelSpec:
    """What a version of the model is made of."""
    return parse_spec(registry(run).load(version, model=run.settings.model.name))


def newest_model(run: Run, as_of: date) -> Logged | None:
    """The model trained on the latest date up to `as_of`; of several on one date the last one logged."""
    usable = [
        logged
        for logged in registry(run).versions(run.settings.model.name)
        if logged.data.get(TRAINED_ON, "9999") <= as_of.isoformat()
    ]
    return max(usable, key=lambda logged: (logged.data[TRAINED_ON], logged.logged_at), default=None)


def train_model(run: Run, as_of: date, known: Known) -> str:
    """Fit on vectors of what is known, match with the model before, log; returns the version.

    The partials are up to date (see `prepared`). Raises ModelRefused when the data do not come apart.
    """
    features, settings = feature_set(run.settings), run.settings.model
    refresh(run, features, as_of, known)
    declaration = segments_declaration(run.settings)
    vectors = run.lake.read(features_table(features)).where(F.col("as_of") == F.lit(as_of))
    columns = tuple(use.name for use in declaration.in_model)
    sample = training_sample(vectors, columns=columns, rows=settings.sample_rows, seed=settings.seed)
    how = Fit(segments=settings.segments, leaves=settings.leaves, seed=settings.seed)
    with staging(run.spark, run.work_dir) as place:
        with run.step(f"fitting {settings.segments} segments"):
            fitted = fit(sample, declaration=declaration, how=how, work_dir=place.folder)
        spec = with_old_ids(run, vectors, fitted, as_of)
        with run.step("keeping the model in MLflow"):
            version = registry(run).log(
                fitted.pipeline,
                spec.document,
                model=settings.name,
                params={"segments": settings.segments, "leaves": settings.leaves, "seed": settings.seed},
                metrics=fitted.metrics,
                data={
                    TRAINED_ON: as_of.isoformat(),
                    "feature_set_version": features.version,
                    "known_batch_id": str(vectors_known(run, features, as_of)),
                    "run_id": run.run_id,
                },
                work_dir=place.folder,
            )
    crash_here("train.model.after")
    return version


def with_old_ids(run: Run, vectors: DataFrame, fitted: FittedModel, as_of: date) -> ModelSpec:
    """The fitted model with the ids of the segments that it continues."""
    previous = newest_model(run, as_of - timedelta(days=1))
    if previous is None:
        return fitted.spec
    before = spec_of(run, previous.version)
    return inherit_ids(vectors, fitted.spec, before, least_overlap=segments_declaration(run.settings).least_overlap)
