"""What pip alone cannot bring: a Java that Spark runs on, Delta's jars, and an archive of the classes of both.

`python -m omniseg.bootstrap` is the last step of the set-up. All is kept inside the environment
(`<sys.prefix>/share/omniseg`), so that no session start touches the network, and deleting the environment deletes
everything. Running it again checks what is there and does nothing more.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from omniseg import class_archive, java
from omniseg.errors import EnvironmentRefused, OmnisegError
from omniseg.java import java_home
from omniseg.versions import JARS, SUPPORTED, Jar, check_versions

__all__ = ["SUPPORTED", "check_versions", "delta_jars", "install_delta_jars", "installed_pair", "java_home", "main"]

# Everything that Delta asks for besides its own two jars: part of Spark, or never used here (87 MB instead of 9.6 MB).
EXCLUDED = "com.*:*,commons-*:*,io.airlift:*,io.delta:delta-kernel-*,io.unitycatalog:*,javax.*:*,org.*:*"
# Spark's resolver runs inside spark-submit; this class, present in every Spark, only prints a version afterwards.
HARMLESS_MAIN = "org.apache.hadoop.util.VersionInfo"
RESOLVE_SECONDS = 600


def installed_pair() -> tuple[str, str]:
    """The versions of pyspark and delta-spark in this environment; EnvironmentRefused when one is missing."""
    try:
        return importlib.metadata.version("pyspark"), importlib.metadata.version("delta-spark")
    except importlib.metadata.PackageNotFoundError as missing:
        raise EnvironmentRefused(
            f"{missing.name} is not installed; run `make setup` or `pip install omniseg`"
        ) from missing


def jar_folder() -> Path:
    """Where this environment keeps Delta's jars."""
    return java.kept_folder() / "jars"


def delta_jars() -> tuple[str, ...]:
    """Paths of Delta's jars for the installed pair; empty where the set-up did not bring them, as on a cluster."""
    paths = [jar_folder() / jar.file_name for jar in JARS.get(installed_pair(), ())]
    return tuple(str(path) for path in paths) if all(path.is_file() for path in paths) else ()


def install_delta_jars() -> bool:
    """Resolve the pinned jars of the installed pair; False when they were already there, with the right content."""
    pair = installed_pair()
    check_versions(*pair)
    wanted = JARS[pair]
    if all(matches(jar_folder() / jar.file_name, jar) for jar in wanted):
        return False
    jar_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jar_folder()) as cache:
        resolve(wanted[0], Path(cache))
        for jar in wanted:
            adopt(Path(cache) / "jars" / jar.file_name, jar)
    return True


def matches(path: Path, jar: Jar) -> bool:
    """True when the file exists and has the pinned content."""
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == jar.sha256


def adopt(found: Path, jar: Jar) -> None:
    """Move a resolved jar to its place in one step, or refuse it when its content is not the pinned one."""
    if not matches(found, jar):
        state = "has another SHA-256 than the pinned one" if found.is_file() else "was not delivered"
        raise EnvironmentRefused(f"{jar.coordinate} {state}; nothing was installed. Check the Maven mirror in use")
    os.replace(found, jar_folder() / jar.file_name)


def resolve(jar: Jar, cache: Path) -> None:
    """Let Spark's own resolver download `jar` and what it brings into `cache`/jars, by the operator's settings."""
    import pyspark

    home = Path(pyspark.__file__).parent
    command = [str(home / "bin" / "spark-submit"), "--master", "local[1]"]
    command += ["--packages", jar.coordinate, "--exclude-packages", EXCLUDED]
    command += ["--conf", f"spark.jars.ivy={cache}", "--class", HARMLESS_MAIN, "spark-internal"]
    # An older Spark's SPARK_HOME on the machine must not answer instead of the installed one.
    environment = os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    if bundled := java_home():
        environment["JAVA_HOME"] = bundled
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=RESOLVE_SECONDS
    )
    if done.returncode:
        raise EnvironmentRefused(f"{jar.coordinate} could not be downloaded:\n{relevant(done.stdout)}\n{ADVICE}")


ADVICE = "Maven Central, or a mirror named by DEFAULT_ARTIFACT_REPOSITORY, must be reachable once, while setting up."


def relevant(log: str) -> str:
    """The lines of the resolver's log that say what failed; at most 10."""
    lines = [line.strip() for line in log.splitlines()]
    return "\n".join([line for line in lines if "not found" in line or "rror" in line or "xception" in line][:10])


def main() -> int:
    """Bring Java, the jars and the archive of classes; one line on each.

    Returns the exit code: 0, or 10 with words on what to install.
    """
    try:
        print(f"Java: {java.install()}")
        fresh = install_delta_jars()
        print(f"Delta jars: {'installed' if fresh else 'already there'}: {jar_folder()}")
        print(f"Archive of classes: {class_archive.make(delta_jars())}")
    except OmnisegError as refused:
        print(f"omniseg set-up: {refused}", file=sys.stderr)
        return refused.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
