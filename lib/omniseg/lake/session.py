"""The Spark session: one recipe for laptop, cluster and tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

from pyspark.sql import SparkSession

from omniseg import bootstrap, class_archive, java, versions

# What the tables and promises rest on; no setting may change these.
FIXED = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # A lower or equal transaction version would otherwise drop a write silently; we replace slices by predicate
    # instead.
    "spark.databricks.delta.replaceWhere.constraintCheck.enabled": "true",
    # Splits depend on the file alone, not on the number of cores: positions of records stay the same on any machine.
    "spark.sql.files.minPartitionNum": "1",
    # Addresses never reach the UI or the event log in plain text. Spark applies this to the text of every plan, so a
    # name is tried once, as in privacy.redact.
    "spark.sql.redaction.string.regex": "(?i)(?:\\G|(?<![a-z0-9._%+-]))[a-z0-9._%+-]++@[a-z0-9.-]+\\.[a-z]{2,}",
}


def build_session(app_name: str, conf: Mapping[str, str]) -> SparkSession:
    """A session for `app_name` with the settings' `spark` section; on a laptop it brings Java, the jars and loopback
    along.

    Raises EnvironmentRefused (exit 10) for a pair of Spark and Delta that nobody tested.
    """
    versions.check_versions(version("pyspark"), version("delta-spark"))
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    chosen = {**conf, **FIXED}
    if not submitted:
        chosen = {**laptop(), **chosen}
    builder = SparkSession.builder.appName(app_name)
    for key, value in chosen.items():
        builder = builder.config(key, value)
    with stdout_for_results():
        session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


@contextmanager
def stdout_for_results() -> Iterator[None]:
    """What processes started meanwhile (the JVM) print goes to stderr: Delta's VACUUM would mix with our results."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def laptop() -> dict[str, str]:
    """What `spark-submit` would have given: master, loopback, this Python, Java and Delta's jars.

    The jars stand on the driver's class path, where the archive of classes covers them, and in `spark.jars`, from where
    executors of another master get them.
    """
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    home = java.java_home()
    if home is not None:
        os.environ["JAVA_HOME"] = home
    jars = bootstrap.delta_jars()
    return {
        "spark.master": "local[*]",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.jars": ",".join(jars),
        "spark.driver.extraClassPath": os.pathsep.join(jars),
        # Apart from spark.driver.extraJavaOptions, which are the operator's.
        "spark.driver.defaultJavaOptions": class_archive.options(java.executable(home), jars),
    }
