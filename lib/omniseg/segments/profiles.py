"""What distinguishes the segments of a snapshot, and where their customers came from."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from omniseg.segments.figures import MOMENT_DIGITS, significant

NEW, GONE = "(new)", "(gone)"
ROUNDING = 1e-9  # a deviation below this part of the mean is rounding, not spread


def profiles(snapshot: DataFrame, features: DataFrame, *, columns: tuple[str, ...]) -> DataFrame:
    """One row per segment × feature: gold.segment_profiles without the names.

    `features` has one row per customer of `snapshot`. A null is left out of the means; a feature without any value has
    null figures, one without spread a null z. Means are rounded to 10 significant digits.
    """
    long = long_features(snapshot, features, columns)
    sums = long.groupBy("snapshot_id", "segment_id", "feature").agg(
        F.count(F.lit(1)).alias("customers"),
        F.count("value").alias("n"),
        F.avg("value").alias("average"),
        F.var_pop("value").alias("variance"),
    )
    return with_overall(sums).select(
        "snapshot_id",
        "segment_id",
        "customers",
        (F.col("customers") / F.col("everybody")).alias("share"),
        "feature",
        significant(F.col("average"), MOMENT_DIGITS).alias("mean"),
        significant(F.col("overall"), MOMENT_DIGITS).alias("overall_mean"),
        significant(F.col("deviation"), MOMENT_DIGITS).alias("overall_stddev"),
        significant(z_value(), MOMENT_DIGITS).alias("z"),
    )


def long_features(snapshot: DataFrame, features: DataFrame, columns: tuple[str, ...]) -> DataFrame:
    """One row per customer × feature: snapshot_id, segment_id, feature, value (DOUBLE, NaN counted as null)."""
    numbers = [F.nanvl(F.col(name).cast("double"), F.lit(None)).alias(name) for name in columns]
    wide = snapshot.select("snapshot_id", "segment_id", "customer_id").join(
        features.select("customer_id", *numbers), "customer_id", how="left"
    )
    return wide.unpivot(["snapshot_id", "segment_id"], list(columns), "feature", "value")


def with_overall(sums: DataFrame) -> DataFrame:
    """`sums` with `everybody`, `overall` (mean) and `deviation` over all segments, from the figures of each."""
    everyone = Window.partitionBy("snapshot_id", "feature").rowsBetween(
        Window.unboundedPreceding, Window.unboundedFollowing
    )
    counted = F.sum("n").over(everyone)
    mean = F.try_divide(F.sum(F.col("n") * F.col("average")).over(everyone), counted)
    centred = sums.select("*", F.sum("customers").over(everyone).alias("everybody"), mean.alias("overall"))
    gap = F.col("average") - F.col("overall")
    squares = F.sum(F.col("n") * (F.col("variance") + gap * gap)).over(everyone)
    return centred.select("*", F.sqrt(F.try_divide(squares, counted)).alias("deviation"))


def z_value() -> Column:
    """How many standard deviations of all customers the segment's mean lies above theirs; null without spread."""
    spread = F.col("deviation") > F.abs(F.col("overall")) * F.lit(ROUNDING)
    return F.when(spread, (F.col("average") - F.col("overall")) / F.col("deviation"))


def lineage(current: DataFrame, previous: DataFrame | None, *, snapshot_id: str, previous_id: str | None) -> DataFrame:
    """One row per segment × previous segment with customers who went that way: gold.segment_lineage.

    Both are single snapshots, named by the two ids. Customers of `current` that are not in `previous` come from
    '(new)', those of `previous` that are not in `current` go to '(gone)'. Without `previous` (the first snapshot)
    everybody is new.
    """
    here = current.select("customer_id", "segment_id")
    if previous is None:
        moved = here.withColumn("previous_segment_id", F.lit(NEW))
    else:
        there = previous.select("customer_id", F.col("segment_id").alias("previous_segment_id"))
        moved = here.join(there, "customer_id", how="full").fillna({"segment_id": GONE, "previous_segment_id": NEW})
    counted = moved.groupBy("segment_id", "previous_segment_id").agg(F.count(F.lit(1)).alias("customers"))
    return counted.select(
        F.lit(snapshot_id).alias("snapshot_id"),
        F.lit(previous_id).cast("string").alias("previous_snapshot_id"),
        "segment_id",
        "previous_segment_id",
        "customers",
    )
