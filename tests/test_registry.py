"""Models kept in a real MLflow store on SQLite: what is logged comes back, in a new process too; nothing else does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from pyspark.ml import Pipeline
from pyspark.ml.feature import VectorAssembler

from omniseg.errors import ReproduceError
from omniseg.registry import DOCUMENT, Registry

MODEL = json.dumps({"format": 1, "answer": "ä 42"}, ensure_ascii=False)


def keep(store: Registry, pipeline, work_dir: Path) -> str:
    """Log MODEL with a parameter, a metric and a data version."""
    return store.log(
        pipeline,
        MODEL,
        model="customer_segments",
        params={"segments": 6},
        metrics={"silhouette": 0.5},
        data={"highest_batch": "41"},
        work_dir=str(work_dir),
    )


@pytest.fixture(scope="module")
def pipeline(spark):
    """The smallest fitted pipeline there is."""
    frame = spark.createDataFrame([(1.0,)], "x DOUBLE")
    return Pipeline(stages=[VectorAssembler(inputCols=["x"], outputCol="v")]).fit(frame)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Registry:
    """A store in a folder that does not exist yet."""
    return Registry(f"sqlite:///{tmp_path_factory.mktemp('store')}/deep/mlflow.db", "tests")


@pytest.fixture(scope="module")
def version(store, pipeline, tmp_path_factory) -> str:
    """The version of MODEL, logged once for this file."""
    return keep(store, pipeline, tmp_path_factory.mktemp("work"))


def test_a_logged_model_comes_back(store, version):
    assert store.load(version, model="customer_segments") == MODEL


def test_it_is_listed_with_its_figures_and_data(store, version):
    (listed,) = store.versions("customer_segments")
    assert (listed.version, listed.figures, listed.data["highest_batch"]) == (version, {"silhouette": 0.5}, "41")
    assert listed.logged_at.utcoffset().total_seconds() == 0


def test_logging_it_again_changes_nothing(store, pipeline, version, tmp_path):
    assert keep(store, pipeline, tmp_path) == version
    assert len(store.versions("customer_segments")) == 1


def test_the_work_folder_may_lie_on_another_file_system_than_hadoop_s_default(spark, pipeline, tmp_path):
    """As in a warehouse in an object store; here another name for a folder of this disk."""
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    configuration.set("fs.viewfs.mounttable.elsewhere.link./kept", (tmp_path / "kept").as_uri())
    (tmp_path / "kept").mkdir()
    store = Registry(f"sqlite:///{tmp_path}/mlflow.db", "elsewhere")
    logged = store.log(
        pipeline, MODEL, model="elsewhere", params={}, metrics={}, data={}, work_dir="viewfs://elsewhere/kept"
    )
    assert store.load(logged, model="elsewhere") == MODEL
    [run] = store.find(logged, "elsewhere")
    kept = mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/pipeline", tracking_uri=store.tracking_uri)
    assert (Path(kept) / "sparkml" / "metadata").is_dir()


def test_another_name_has_models_of_its_own(store, version):
    assert store.versions("lapsing") == ()
    with pytest.raises(ReproduceError, match="no version"):
        store.load(version, model="lapsing")


def test_artefacts_lie_beside_the_database(store, version, tmp_path):
    folder = Path(store.tracking_uri.removeprefix("sqlite:///")).parent
    assert [path.name for path in folder.rglob(DOCUMENT)] == [DOCUMENT]
    assert not Path("mlruns").exists()


def test_a_new_process_loads_it_without_spark(store, version):
    script = (
        "import sys; from omniseg.registry import Registry;"
        "print(Registry(sys.argv[1], sys.argv[2]).load(sys.argv[3], model='customer_segments'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, store.tracking_uri, store.experiment, version],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "JAVA_HOME": "/nowhere", "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"},
        timeout=120,
        check=True,
    )
    assert done.stdout == f"{MODEL}\n"


def test_the_pipeline_can_be_looked_at(spark, store, version):
    (listed,) = store.versions("customer_segments")
    mlflow.set_tracking_uri(store.tracking_uri)
    loaded = mlflow.spark.load_model(f"runs:/{listed.run_id}/pipeline")
    assert loaded.transform(spark.createDataFrame([(2.0,)], "x DOUBLE")).collect()[0]["v"][0] == 2.0


@pytest.mark.parametrize(
    "version",
    [
        pytest.param("0" * 16, id="not_there"),
        pytest.param("", id="empty"),
        pytest.param("../../etc/passwd", id="a_path"),
        pytest.param("x' or tags.`a` != '", id="a_filter"),
        pytest.param("0" * 15 + "\x00", id="nul"),
    ],
)
def test_versions_that_are_none_find_nothing(store, version):
    with pytest.raises(ReproduceError, match="has no version"):
        store.load(version, model="customer_segments")


class TestChangedStore:
    @pytest.fixture
    def document(self, store, version, tmp_path):
        """The path of the document of the version; afterwards all artefacts are again what they were."""
        artefacts = Path(store.tracking_uri.removeprefix("sqlite:///")).parent / "mlflow-artifacts"
        shutil.copytree(artefacts, tmp_path / "artefacts")
        (path,) = artefacts.rglob(DOCUMENT)
        yield path
        shutil.rmtree(artefacts)
        shutil.copytree(tmp_path / "artefacts", artefacts)

    def test_a_changed_document_is_refused(self, store, version, document):
        document.write_text(MODEL.replace("42", "43"), encoding="utf-8")
        with pytest.raises(ReproduceError, match="another hash"):
            store.load(version, model="customer_segments")

    def test_a_document_that_is_no_text_is_refused(self, store, version, document):
        document.write_bytes(b"\x80\x04\x95")
        with pytest.raises(ReproduceError, match="cannot be read"):
            store.load(version, model="customer_segments")

    def test_a_document_that_is_gone_is_refused(self, store, version, document):
        document.unlink()
        with pytest.raises(ReproduceError, match="cannot be read"):
            store.load(version, model="customer_segments")

    def test_a_changed_pipeline_is_never_opened(self, store, version, document):
        files = list(document.parent.parent.parent.rglob("MLmodel"))
        assert files
        for file in files:
            file.write_text("flavors: {python_function: {loader_module: os}}", encoding="utf-8")
        assert store.load(version, model="customer_segments") == MODEL


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        pytest.param("postgresql://me:secret@db/mlflow", "postgresql://…@db/mlflow", id="password_hidden"),
        pytest.param("https://tracking.example", "https://tracking.example", id="nothing_to_hide"),
    ],
)
def test_messages_show_no_password(uri, shown):
    assert Registry(uri, "tests").shown_uri() == shown


def test_other_stores_choose_their_place_for_artefacts():
    assert Registry("https://tracking.example", "tests").artifact_location() is None
