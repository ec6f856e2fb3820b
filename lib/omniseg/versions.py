"""The pairs of Spark and Delta that are tested, and the jars that each pair needs.

A pair is listed when the handshake test (`tests/handshake/`) passes on it; nothing else is claimed. The jars are pinned
by SHA-256. Delta asks for 33 jars; 31 of them Spark brings itself or the product never touches (Unity Catalog, the
Delta kernel).
"""

from __future__ import annotations

from dataclasses import dataclass

from omniseg.errors import EnvironmentRefused


@dataclass(frozen=True)
class Jar:
    """One file from Maven Central, pinned by content."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name that Spark's resolver gives the file."""
        return f"{self.group}_{self.artifact}-{self.version}.jar"

    @property
    def coordinate(self) -> str:
        """`group:artifact:version`, as in `spark.jars.packages`."""
        return f"{self.group}:{self.artifact}:{self.version}"


def delta_spark(spark_line: str, sha256: str) -> Jar:
    """Delta 4.4.0 as built for one line of Spark, like "4.2"."""
    return Jar("io.delta", f"delta-spark_{spark_line}_2.13", "4.4.0", sha256)


DELTA_STORAGE = Jar(
    "io.delta", "delta-storage", "4.4.0", "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc"
)
DELTA_4_2 = delta_spark("4.2", "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead")
DELTA_4_1 = delta_spark("4.1", "75a9400986853c061f5109f012547de2545a5759e5e752e5ef633dabe16a4f10")

# (pyspark, delta-spark) → the jars of the pair: first the one that is asked for, then what it brings along.
JARS: dict[tuple[str, str], tuple[Jar, ...]] = {
    ("4.2.0", "4.4.0"): (DELTA_4_2, DELTA_STORAGE),
    ("4.1.4", "4.4.0"): (DELTA_4_1, DELTA_STORAGE),
}

SUPPORTED: tuple[tuple[str, str], ...] = tuple(JARS)


def check_versions(spark: str, delta: str) -> None:
    """Refuse a pair that was never tested; the versions are those of pyspark and delta-spark, like "4.2.0"."""
    if (spark, delta) in SUPPORTED:
        return
    tested = "; ".join(f"pyspark=={s} with delta-spark=={d}" for s, d in SUPPORTED)
    raise EnvironmentRefused(
        f"pyspark {spark} with delta-spark {delta} was never tested, so nothing was started. Install one of: {tested}"
    )
