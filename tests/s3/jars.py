"""`python -m tests.s3.jars` brings the jars of jars.lock into .venv-s3, each with the pinned content."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pyspark

from omniseg import java
from omniseg.bootstrap import HARMLESS_MAIN, matches
from omniseg.versions import Jar
from tests.source_tree import ROOT

FOLDER = ROOT / ".venv-s3" / "jars"
LOCK = Path(__file__).with_name("jars.lock")
# What these jars ask for and Spark brings itself, or S3 is reached without.
EXCLUDED = (
    "com.fasterxml*:*,commons-codec:*,commons-logging:*,io.netty:*,org.apache.hadoop:hadoop-client*,"
    "org.apache.hadoop:hadoop-common,org.apache.httpcomponents*:*,org.slf4j:*,org.wildfly.openssl:*,"
    "software.amazon.awssdk:bundle"
)


def wanted() -> list[Jar]:
    """The pinned jars."""
    lines = [line for line in LOCK.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    parts = [re.split("[: ]", line) for line in lines]
    return [Jar(group, artifact, release, sha256) for group, artifact, release, sha256 in parts]


def paths() -> list[Path]:
    """Where they are."""
    return [FOLDER / jar.file_name for jar in wanted()]


def main() -> None:
    """Resolve what is missing or altered, by Spark's own resolver; ends with words when the content is not the pinned
    one.
    """
    if all(matches(path, jar) for path, jar in zip(paths(), wanted(), strict=True)):
        return
    home = Path(pyspark.__file__).parent
    command = [str(home / "bin" / "spark-submit"), "--master", "local[1]", "--exclude-packages", EXCLUDED]
    command += ["--packages", ",".join(jar.coordinate for jar in wanted())]
    command += ["--conf", f"spark.jars.ivy={FOLDER.parent / 'ivy'}", "--class", HARMLESS_MAIN, "spark-internal"]
    environment = os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    environment |= {"JAVA_HOME": str(java.chosen_home())}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(done.stdout[-4000:])
    FOLDER.mkdir(exist_ok=True)
    for path, jar in zip(paths(), wanted(), strict=True):
        found = FOLDER.parent / "ivy" / "jars" / path.name
        if not matches(found, jar):
            sys.exit(f"{jar.coordinate} was not delivered, or has another SHA-256 than the pinned one")
        found.replace(path)


if __name__ == "__main__":
    main()
