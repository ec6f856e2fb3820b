"""The Spark session: one recipe for laptop, cluster and tests."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from omniseg import bootstrap, class_archive, java, versions
from omniseg.errors import ConfigError
from omniseg.lake.gateway import remember_classes
from omniseg.sparkconf import FIXED, REDACTION, settled, unmet

log = logging.getLogger(__name__)


def build_session(
    app_name: str, asked: Mapping[str, str], *, defaults: frozenset[str] = frozenset(), production: bool = False
) -> SparkSession:
    """A session for `app_name` with the options of the settings; on a laptop it brings Java, the jars and loopback
    along.

    spark-submit's options come before our `defaults`. Raises EnvironmentRefused (exit 10) for a pair of Spark and Delta
    that nobody tested, and, with `production`, ConfigError (exit 2) with every safeguard that is off: under
    spark-submit before Spark starts.
    """
    versions.check_versions(*bootstrap.installed_pair())
    given = submitted_options() if submitted() else {}
    chosen, replaced = settled(asked, defaults, given)
    for name in replaced:
        log.warning("%s=%s: what spark-submit gave for it is not used", name, chosen[name])
    if not submitted():
        chosen = {**laptop(), **chosen}
    elif production:
        # In cluster mode the driver comes too late to set these, so spark-submit's word counts.
        insist({**given, REDACTION: FIXED[REDACTION]})
    builder = SparkSession.builder.appName(app_name)
    for key, value in chosen.items():
        builder = builder.config(key, value)
    with stdout_for_results():
        session = builder.getOrCreate()
    if production:
        insist(in_force(session))
    remember_classes()
    session.sparkContext.setLogLevel("ERROR")
    return session


def submitted() -> bool:
    """True inside spark-submit, which brings Java, the master and the jars."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def submitted_options() -> dict[str, str]:
    """What spark-submit gave by --conf, --properties-file and spark-defaults.conf; Spark itself is not started."""
    SparkContext._ensure_initialized()
    return dict(SparkConf().getAll())


def in_force(session: SparkSession) -> dict[str, str]:
    """The options that the running Spark has. Those of the session may have come too late to count, but for SQL."""
    running = dict(session.sparkContext.getConf().getAll())
    return {**running, REDACTION: session.conf.get(REDACTION, "") or ""}


def insist(options: Mapping[str, str]) -> None:
    """Raise ConfigError with every safeguard of production that is off."""
    if problems := unmet(options, "profile production"):
        raise ConfigError([*problems])


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
        # Spark makes this folder, which stays empty, and fails where it cannot; else it lies where the run was started.
        "spark.sql.warehouse.dir": f"{tempfile.gettempdir()}/omniseg-{os.getuid()}",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.jars": ",".join(jars),
        "spark.driver.extraClassPath": os.pathsep.join(jars),
        # Apart from spark.driver.extraJavaOptions, which are the operator's.
        "spark.driver.defaultJavaOptions": class_archive.options(java.executable(home), jars),
    }
