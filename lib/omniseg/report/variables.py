"""The dictionary of variables: what each declared feature means, how it is defined, and what it does not say."""

from __future__ import annotations

from collections.abc import Iterable

from omniseg.features.declaration import Attribute, Feature, FeatureSet, Formula, Measured
from omniseg.features.vocabulary import ENRICHED
from omniseg.report.dictionary import cell

COLUMNS = ("variable", "meaning", "definition", "unit", "windows", "read from", "privacy", "limits", "source")


def variables(features: FeatureSet, title: str) -> str:
    """Markdown: a table per kind of variable, in the order in which kinds are first declared."""
    kinds = dict.fromkeys(feature.about.kind or "of no kind" for feature in features.features)
    parts = [f"## {title}", ""]
    for kind in kinds:
        rows = [row(feature) for feature in features.features if (feature.about.kind or "of no kind") == kind]
        parts += [f"### {kind.capitalize()}", "", *table(rows), ""]
    if features.rfm is not None:
        parts += ["### Scores", "", *table(score_rows(features)), ""]
    return "\n".join(parts)


def table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """The lines of a table."""
    head = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    return head + [f"| {' | '.join(map(cell, row))} |" for row in rows]


def row(feature: Feature) -> tuple[str, ...]:
    """One variable."""
    windows = ", ".join(span.name for span in feature.spans) if isinstance(feature, Measured) else "as of the date"
    return (
        f"`{feature.name}`",
        feature.description,
        definition(feature),
        feature.unit,
        windows,
        ", ".join(read_from(feature)),
        feature.columns[0].privacy,
        feature.about.limits,
        feature.about.source,
    )


def definition(feature: Feature) -> str:
    """The formula, the fact, or the measure with what it is taken of."""
    if isinstance(feature, Formula):
        return f"`{feature.formula.text}`"
    if isinstance(feature, Attribute):
        keys = f" of the row that {', '.join(f'`{key}`' for key in feature.keys)} names" if feature.keys else ""
        return f"`{feature.source}`{keys}, valid at the end of the date"
    after = feature.whole if feature.measure == "days_after" else None
    whole = None if after else feature.whole
    said = {"of": feature.of, "per": feature.per, "where": feature.where, "after": after, "among": whole}
    words = [f"{word} `{text.text}`" for word, text in said.items() if text is not None]
    option = feature.rule.option
    if option is not None and feature.option is not None:
        words.append(f"{option[0]} {feature.option:g}")
    return " ".join([f"**{feature.measure}**", *words])


def read_from(feature: Feature) -> list[str]:
    """The columns that decide the value, by table; of a formula the features."""
    if isinstance(feature, Formula):
        return [f"`{name}`" for name in sorted(feature.formula.references)]
    if isinstance(feature, Attribute):
        return [f"`{feature.table}.{feature.source}`"]
    names = sorted({name for text in feature.texts for name in text.references} or {"event_date"})
    return [f"`products.{ENRICHED[name]}`" if name in ENRICHED else f"`events.{name}`" for name in names]


def score_rows(features: FeatureSet) -> list[tuple[str, ...]]:
    """The scores and their names."""
    assert features.rfm is not None
    rfm = features.rfm
    shown = {f"rfm_{one}": f"`{name}`" for one, name in rfm.scored.items()}
    names = "; ".join(f"{one.name}: {ranges(one.ranges, rfm.scores)}" for one in rfm.names)
    rule = f"1 + ⌊{rfm.scores} · customers with a worse value ÷ customers⌋ among all who ever bought"
    ties = "equal values have equal scores, so that some scores may be nobody's; values at 3 significant digits"
    return [
        (
            f"`{column.name}`",
            column.comment.split(";")[0],
            rule if column.name in shown else names,
            column.comment.split("unit: ")[1],
            "as of the date",
            shown.get(column.name, ", ".join(f"`{name}`" for name in shown)),
            column.privacy,
            ties if column.name in shown else "null where no name fits, and for who never bought",
            "Hughes, Strategic Database Marketing (1994)" if column.name in shown else "",
        )
        for column in rfm.columns
    ]


def ranges(limits: dict[str, tuple[int, int]], scores: int) -> str:
    """The scores that a name is for, without those that may be anything."""
    said = {one: f"{least}-{most}" if least < most else str(least) for one, (least, most) in limits.items()}
    return ", ".join(f"{one} {text}" for one, text in said.items() if limits[one] != (1, scores)) or "all"
