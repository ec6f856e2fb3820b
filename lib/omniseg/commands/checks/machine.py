"""Java, Spark, Delta: what a session needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from omniseg import __version__, bootstrap, java
from omniseg.commands.checks import FAIL, OK, WARN, Finding
from omniseg.errors import ConfigError, EnvironmentRefused
from omniseg.lake.session import in_force, submitted
from omniseg.runtime import Run
from omniseg.sparkconf import DEMANDS, unmet
from omniseg.tables import LOCKS
from omniseg.versions import JARS, check_versions

SECURITY = "Spark's security"
GIVE = "give them to spark-submit (--conf or --properties-file): docs/cluster.md"
SETUP = "run `make setup`, or `python -m omniseg.bootstrap` where omniseg was installed by pip"


def check_python(_: Run) -> Iterator[Finding]:
    """Which omniseg, in which Python."""
    release = ".".join(map(str, sys.version_info[:3]))
    yield Finding(OK, "omniseg", f"{__version__} in Python {release} at {sys.prefix}")


def check_java(_: Run) -> Iterator[Finding]:
    """A Java that Spark runs on."""
    try:
        chosen = java.java_home()
    except EnvironmentRefused as refused:
        yield Finding(FAIL, "Java", str(refused), "install the Java named above, or " + SETUP)
        return
    best = java.best()
    release = f"{best.version}" if best is not None else "found"
    yield Finding(OK, "Java", f"{release} at {chosen or (best.home if best is not None else '')}")


def check_pair(_: Run) -> Iterator[Finding]:
    """A tested pair of Spark and Delta."""
    try:
        pair = bootstrap.installed_pair()
        check_versions(*pair)
    except EnvironmentRefused as refused:
        yield Finding(FAIL, "Spark and Delta", str(refused), SETUP)
        return
    yield Finding(OK, "Spark and Delta", f"pyspark {pair[0]} with delta-spark {pair[1]}, a tested pair")


def check_jars(_: Run) -> Iterator[Finding]:
    """Delta's jars, whole and unchanged."""
    if submitted():
        yield Finding(OK, "Delta's jars", "left to spark-submit (--packages or the cluster's image)")
        return
    wanted = JARS.get(bootstrap.installed_pair(), ())
    wrong = [jar.file_name for jar in wanted if not bootstrap.matches(bootstrap.jar_folder() / jar.file_name, jar)]
    if wrong or not wanted:
        found = f"missing or altered in {bootstrap.jar_folder()}: {', '.join(wrong) or 'all of them'}"
        yield Finding(FAIL, "Delta's jars", found, SETUP)
    else:
        yield Finding(OK, "Delta's jars", f"{len(wanted)} in {bootstrap.jar_folder()}, as pinned")


def check_session(run: Run) -> Iterator[Finding]:
    """Spark starts, and Delta answers in it; nothing is written."""
    try:
        version = run.spark.version
        run.lake.exists(LOCKS)
    # Whatever keeps Spark from starting is what the doctor is asked about.
    except (EnvironmentRefused, PySparkException, Py4JError, OSError) as error:
        first = str(error).strip().partition("\n")[0]
        mend = "mend the lines above first; then look at the log on stderr"
        yield Finding(FAIL, "Spark session", f"{type(error).__name__}: {first}", mend)
        return
    except ConfigError as refused:
        yield Finding(FAIL, SECURITY, str(refused), GIVE)
        return
    master = run.spark.sparkContext.master
    yield Finding(OK, "Spark session", f"Spark {version} on {master}, Delta answers")


def check_secrecy_of_spark(run: Run) -> Iterator[Finding]:
    """Away from a laptop Spark's own traffic and files are encrypted; production has refused by now where not."""
    if run.settings.profile == "local":
        return
    off = unmet(in_force(run.spark), f"profile {run.settings.profile}")
    if off:
        yield Finding(WARN, SECURITY, "\n".join(map(str, off)), f"{GIVE}; profile production refuses to run without")
    else:
        yield Finding(OK, SECURITY, f"all {len(DEMANDS)} demands of profile production are met")
