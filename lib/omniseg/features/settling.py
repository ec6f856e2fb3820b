"""From the merged partials of a window to the value of a feature."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from omniseg.features.declaration import Measured
from omniseg.features.formulas import rounded
from omniseg.features.measures import ROUNDED

Roles = Mapping[str, Column]  # what the feature is merged from, over one window


def settled(feature: Measured, parts: Sequence[Roles]) -> Column:
    """The value over a window, of which `parts` are all there is, or the sub-windows from the oldest to the newest."""
    if feature.measure == "trend":
        found = slope([F.coalesce(part["s"].cast("double"), F.lit(0.0)) for part in parts])
    else:
        (roles,) = parts
        found = SETTLE.get(feature.measure, merged_alone)(roles)
    return rounded(found) if feature.rule.error == ROUNDED else found


def merged_alone(roles: Roles) -> Column:
    """The merged partial itself."""
    (found,) = roles.values()
    return found


def average(roles: Roles) -> Column:
    """Sum ÷ number; null of nothing."""
    return roles["s"].cast("double") / F.nullif(roles["n"], F.lit(0))


def variance(roles: Roles) -> Column:
    """Sample variance, (Σx² − (Σx)²/n) ÷ (n − 1); null below two values. The sums are exact decimals."""
    number = roles["n"]
    return F.when(number >= 2, squared_deviations(roles) / (number - 1))


def squared_deviations(roles: Roles) -> Column:
    """Σ(x − mean)², not below zero: Σ(x − c)² − n·(mean − c)², where c is the mean in money's four decimals and
    Σ(x − c)² = Σx² − c·(2Σx − nc) is calculated in decimals. So values that lie close together lose no digits.
    """
    number, total = roles["n"], roles["s"]
    centre = (total / number).try_cast("DECIMAL(17,4)")
    rest = (total - number * centre).try_cast("DECIMAL(20,4)")
    around = roles["q"] - centre * (total + rest).try_cast("DECIMAL(20,4)")
    return F.greatest(F.lit(0.0), around.cast("double") - rest.cast("double") * rest.cast("double") / number)


def skewness(roles: Roles) -> Column:
    """Population skewness g₁ = m₃ ÷ m₂^1.5, mₖ the k-th central moment; null below three values or without variance."""
    number = roles["n"]
    mean = roles["s"].cast("double") / number
    second = squared_deviations(roles) / number
    squares, cubes = roles["q"].cast("double") / number, roles["c"].cast("double") / number
    third = cubes - 3 * mean * squares + 2 * mean * mean * mean
    return F.when((number >= 3) & (second > 0), third / F.pow(second, F.lit(1.5)))


def share(roles: Roles) -> Column:
    """Part ÷ whole; null where the whole is 0 or nothing."""
    part, whole = roles["part"].cast("double"), roles["whole"].cast("double")
    return F.coalesce(part, F.lit(0.0)) / F.nullif(whole, F.lit(0.0))


def slope(parts: Sequence[Column]) -> Column:
    """Least squares slope of the parts over 0, 1, 2, …: Σ(t − mean t)·y ÷ Σ(t − mean t)²."""
    middle = (len(parts) - 1) / 2
    spread = sum((place - middle) ** 2 for place in range(len(parts)))
    total = F.lit(0.0)
    for place, part in enumerate(parts):
        total = total + part * F.lit((place - middle) / spread)
    return total


SETTLE: Mapping[str, Callable[[Roles], Column]] = {
    "average": average,
    "variance": variance,
    "standard_deviation": lambda roles: F.sqrt(variance(roles)),
    "skewness": skewness,
    "share": share,
    "first": lambda roles: roles["s"]["value"],
    "last": lambda roles: roles["s"]["value"],
}
