"""What segments are called: ids that never change their meaning, names that people understand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from omniseg.segments.declaration import FeatureUse, SegmentsDeclaration


@dataclass(frozen=True)
class Trait:
    """One way in which a segment differs: the word for it, the feature and how far its mean is from that of all."""

    word: str
    feature: str
    theme: str
    z: float  # (mean of the segment - mean of all) ÷ standard deviation of all


def fresh_ids(count: int, *, issued: int) -> tuple[str, ...]:
    """`count` segment ids that follow the `issued` ones given out so far: s01, s02, …"""
    return tuple(f"s{number:02d}" for number in range(issued + 1, issued + count + 1))


def segment_names(
    profiles: Iterable[Mapping[str, object]], declaration: SegmentsDeclaration, *, kept: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A name for each segment of `profiles` (rows of one snapshot), no two alike: "Frequent, promotion-driven".

    Made of the words of the features that distinguish the segment most, one word per theme. A name already taken grows
    by the next word; larger segments choose first. `kept` are names from before: whoever has one keeps it, so that a
    name does not flicker from night to night.
    """
    rows = list(profiles)
    customers = {str(row["segment_id"]): int(str(row["customers"])) for row in rows}
    names = {segment: name for segment, name in (kept or {}).items() if segment in customers}
    for segment in sorted(customers.keys() - names.keys(), key=lambda one: (-customers[one], one)):
        found = traits([row for row in rows if row["segment_id"] == segment], declaration)
        names[segment] = free_name(found, declaration, set(names.values()))
    return names


def traits(profiles: Iterable[Mapping[str, object]], declaration: SegmentsDeclaration) -> list[Trait]:
    """The traits of one segment, the most distinguishing first; at most one per theme, no word twice, no z of 0."""
    found = [trait for row in profiles if (trait := trait_of(row, declaration.by_name)) is not None]
    kept: list[Trait] = []
    for trait in sorted(found, key=lambda one: (-abs(one.z), one.feature)):
        if all(trait.theme != other.theme and trait.word != other.word for other in kept):
            kept.append(trait)
    return kept


def trait_of(row: Mapping[str, object], uses: Mapping[str, FeatureUse]) -> Trait | None:
    """The trait that a profile row tells of; None for features without words or without spread."""
    use = uses.get(str(row["feature"]))
    z = row["z"]
    if use is None or not isinstance(z, float) or z == 0.0:
        return None
    word = use.high if z > 0 else use.low
    return Trait(word, use.name, use.theme, z) if word else None


def free_name(found: list[Trait], declaration: SegmentsDeclaration, taken: set[str]) -> str:
    """The shortest name from `found` that is not taken; numbered when the words run out."""
    naming = declaration.naming
    strong = [trait.word for trait in found if abs(trait.z) >= naming.least_z][: naming.words]
    more = [trait.word for trait in found if trait.word not in strong]
    for count in range(len(more) + 1):
        name = phrase(strong + more[:count]) or naming.plain
        if name not in taken:
            return name
    return next(
        name
        for number in range(2, len(taken) + 3)
        if (name := f"{phrase(strong) or naming.plain} {number}") not in taken
    )


def phrase(words: list[str]) -> str:
    """Words as one phrase: the first as declared, the others with a small first letter."""
    return ", ".join(word if place == 0 else word[:1].lower() + word[1:] for place, word in enumerate(words))
