"""Java classes that PySpark and Delta ask for again and again, asked for once.

Each `F.col` or `F.lit` asks the JVM anew what `functions` is, and the JVM looks for a class of that name in every
package and every jar that it knows: over a tenth of the processor time of a small ingest.
"""

from __future__ import annotations

from pyspark import SparkContext

CLASSES = (
    ("functions",),
    ("org.apache.spark.sql.functions",),
    ("org.apache.spark.sql.classic.SparkSession",),
    ("PythonUtils",),
    ("PythonSQLUtils",),
    ("io", "delta", "tables", "DeltaTable"),
)


def remember_classes() -> None:
    """Keep what the JVM says of these names where Python finds it before it asks; what is kept is only a name."""
    for path in CLASSES:
        place = SparkContext._jvm
        for name in path:
            found = getattr(place, name)
            vars(place)[name] = found
            place = found
