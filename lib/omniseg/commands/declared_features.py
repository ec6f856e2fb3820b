"""`omniseg features list|explain|verify`: what is declared, how it is made, and whether the vectors are what the days
say.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.commands.declared import feature_set
from omniseg.commands.feature_plans import plans
from omniseg.commands.features import built, vectors_known, vectors_of
from omniseg.commands.rfm import anew
from omniseg.errors import AccountingError, ConfigError, ContractError, Problem
from omniseg.features.as_of import Seen
from omniseg.features.declaration import Attribute, Feature, FeatureSet, Formula, Measured, feature_columns
from omniseg.features.partials import needs
from omniseg.lake.bounded import bounded
from omniseg.names import nearest
from omniseg.report.listing import render
from omniseg.runtime import Run

LISTED = ("name", "sort", "windows", "type", "unit", "description")
MERGES = {
    "additive": "days are added up by bands of age, bands become windows",
    "set": "elements of all days of a person are joined, then looked at per window",
    "sequence": "moments of all days of a person are put in order, then looked at per window",
}


def show_list(run: Run) -> None:
    """Every declared feature; needs no warehouse."""
    features = feature_set(run.settings)
    rows = [
        {
            "name": feature.name,
            "sort": feature.measure if isinstance(feature, Measured) else type(feature).__name__.lower(),
            "windows": " ".join(span.name for span in feature.spans) if isinstance(feature, Measured) else "",
            "type": feature.columns[0].type,
            "unit": feature.unit,
            "description": feature.description,
        }
        for feature in features.features
    ]
    rows += [
        {
            "name": column.name,
            "sort": "rfm",
            "windows": "",
            "type": column.type,
            "unit": column.comment.rpartition("unit: ")[2],
            "description": column.comment.partition(";")[0],
        }
        for column in (() if features.rfm is None else features.rfm.columns)
    ]
    run.say(render(rows, LISTED, run.options["format"]))


def explain(run: Run) -> None:
    """One feature: what it means, of which partials it is made, and how; no warehouse is read."""
    features = feature_set(run.settings)
    name = str(run.options["name"])
    rows = scores_told(features, name)
    if not rows:
        feature = found(features, name)
        rows = told(feature) + (plans(run, features, feature) if run.options["plan"] else [])
    elif run.options["plan"]:
        expected = "a feature that is made of a customer's own events; scores are made among all vectors"
        raise ConfigError([Problem("command line", "--plan", repr(name), expected)])
    if run.options["format"] != "table":
        run.say(render([{"what": what, "is": text} for what, text in rows], ("what", "is"), run.options["format"]))
        return
    for what, text in rows:
        run.say(f"\n{what}\n{text}" if "\n" in text else f"{what:<12}  {text}")


def scores_told(features: FeatureSet, name: str) -> list[tuple[str, str]]:
    """What there is to say of a score among all customers; nothing where `name` is none."""
    rfm = features.rfm
    column = next((one for one in (() if rfm is None else rfm.columns) if one.name == name), None)
    if rfm is None or column is None:
        return []
    worse = f"1 + the whole part of {rfm.scores} x (customers with a worse value) / customers, of all who ever bought"
    scored = {f"rfm_{one}": [("of", of), ("score", worse)] for one, of in rfm.scored.items()}
    names = [("names", f"{one.name}: {one.ranges}") for one in rfm.names]
    return [("feature", name), ("meaning", column.comment), *scored.get(name, names), ("cut points", "gold.rfm_cuts")]


def found(features: FeatureSet, name: str) -> Feature:
    """The feature of that name, or the one that has a column of that name."""
    known: dict[str, Feature] = {}
    for feature in features.features:
        known |= dict.fromkeys((feature.name, *(column.name for column in feature.columns)), feature)
    if name not in known:
        expected = "a declared feature or one of its columns; see omniseg features list"
        raise ConfigError([Problem("command line", "NAME", repr(name), expected, nearest(name, known))])
    return known[name]


def told(feature: Feature) -> list[tuple[str, str]]:
    """What there is to say of a feature, line by line."""
    lines = [("feature", feature.name), ("meaning", f"{feature.description}; unit: {feature.unit}")]
    if isinstance(feature, Formula):
        lines += [("formula", feature.formula.text), ("reads", ", ".join(sorted(feature.formula.references)))]
    elif isinstance(feature, Attribute):
        lines += [("attribute", f"silver.{feature.table}.{feature.source}, valid at the end of as_of")]
        lines += [("keys", ", ".join(feature.keys))] if feature.keys else []
    else:
        lines += measured(feature)
    return lines + [("column", f"{column.name} {column.type}") for column in feature.columns]


def measured(feature: Measured) -> list[tuple[str, str]]:
    """What there is to say of a measure."""
    expressions = {"of": feature.of, "where": feature.where, "whole": feature.whole, "per": feature.per}
    option = feature.rule.option
    return [
        ("measure", f"{feature.measure} ({feature.rule.nature}; {feature.rule.error})"),
        *((key, text.text) for key, text in expressions.items() if text is not None),
        *([(option[0], f"{feature.option:g}")] if option is not None and feature.option is not None else []),
        *(("partial", f"{one.name} {one.declared.type}: {one.declared.comment}") for one in needs(feature).values()),
        ("merged", MERGES[feature.rule.nature]),
    ]


def verify(run: Run) -> None:
    """Builds the vectors of a date from all days anew and compares; AccountingError where any value differs."""
    assert run.as_of is not None
    features = feature_set(run.settings)
    known = vectors_known(run, features, run.as_of)
    if known is None:
        raise ContractError(
            f"there are no vectors as of {run.as_of} of the present declarations; "
            f"run omniseg features --as-of {run.as_of} first"
        )
    seen = Seen(features, run.as_of, known, run.settings.business.time_zone)
    with run.step(f"building the vectors as of {run.as_of} from all days"):
        found = anew(built(run, seen), features.rfm)
        row = bounded(differing(vectors_of(run, features, run.as_of), found, features), 1)[0]
    wrong = {name: row[name] for name in row.asDict() if name != "customers" and row[name]}
    if wrong:
        shown = ", ".join(f"{name} of {number:,} customers" for name, number in sorted(wrong.items()))
        raise AccountingError(f"vectors as of {run.as_of} differ from those that all days give: {shown}")
    run.say(f"{row.customers:,} vectors as of {run.as_of} are what all days up to batch {known} give.")


def differing(stored: DataFrame, built_anew: DataFrame, features: FeatureSet) -> DataFrame:
    """One row: customers on either side, and by column for how many of them the value is another."""
    names = [column.name for column in feature_columns(features)]
    left = stored.select("customer_id", F.struct(*names).alias("stored"))
    right = built_anew.select("customer_id", F.struct(*names).alias("anew"))
    both = left.join(right, "customer_id", how="full")

    def other(name: str) -> Column:
        same: Column = F.col("stored")[name].eqNullSafe(F.col("anew")[name])
        return F.count_if(~same).alias(name)

    missing = F.col("stored").isNull() | F.col("anew").isNull()
    return both.agg(
        F.count(F.lit(1)).alias("customers"), F.count_if(missing).alias("a vector"), *(other(name) for name in names)
    )
