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
    centre, rest = centred(roles)
    # A digit less than Spark's 38 on both sides, since their difference would lose its last decimal otherwise.
    squares, product = roles["q"], centre * (roles["s"] + rest).try_cast("DECIMAL(20,4)")
    around = squares.try_cast("DECIMAL(36,8)") - product.try_cast("DECIMAL(36,8)")
    return F.greatest(F.lit(0.0), around.cast("double") - rest.cast("double") * rest.cast("double") / roles["n"])


def centred(roles: Roles) -> tuple[Column, Column]:
    """The mean c in money's four decimals, and what it leaves of the sum: Σ(x − c)."""
    centre = (roles["s"] / roles["n"]).try_cast("DECIMAL(17,4)")
    return centre, (roles["s"] - roles["n"] * centre).try_cast("DECIMAL(20,4)")


def skewness(roles: Roles) -> Column:
    """Population skewness g₁ = m₃ ÷ m₂^1.5, mₖ the k-th central moment; null below three values, without variance, or
    where Σx² reaches 10¹⁶.
    """
    second = squared_deviations(roles) / roles["n"]
    third = third_moment(roles, second)
    return F.when((roles["n"] >= 3) & (second > 0), third / F.pow(second, F.lit(1.5)))


def third_moment(roles: Roles, second: Column) -> Column:
    """m₃ = Σ(x − c)³/n − 3δm₂ − δ³ with c near the mean and δ = mean − c. Σ(x − c)³ = Σx³ − c·(3Σx² − c·(3Σx − nc)) is
    calculated in decimals, so values that lie close together lose no digits. Null where Σx² reaches 10¹⁶; below that no
    value reaches 10⁸, every cube is in the sum, and no part exceeds 10²⁴.
    """
    centre, rest = centred(roles)
    narrow = centre.try_cast("DECIMAL(12,4)")
    tripled = (roles["q"].try_cast("DECIMAL(24,8)") * 3).try_cast("DECIMAL(25,8)")
    inner = (narrow * (roles["s"] * 2 + rest).try_cast("DECIMAL(25,4)")).try_cast("DECIMAL(25,8)")
    outer = narrow * (tripled - inner).try_cast("DECIMAL(25,8)")
    cubes = roles["c"].try_cast("DECIMAL(36,12)") - outer.try_cast("DECIMAL(36,12)")
    around = cubes.cast("double") / roles["n"]
    delta = rest.cast("double") / roles["n"]
    return around - 3 * delta * second - delta * delta * delta


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
