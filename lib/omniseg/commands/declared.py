"""The declarations of features and segments, as the settings name them."""

from __future__ import annotations

from omniseg.errors import ConfigError, Problem
from omniseg.features.declaration import FeatureSet, feature_columns
from omniseg.features.parsing import parse_features
from omniseg.holidays_of import public_holidays
from omniseg.nodes import ListNode, MapNode, TextNode
from omniseg.segments.declaration import SegmentsDeclaration, parse_segments
from omniseg.settings import yaml_strict
from omniseg.settings.conf import label, locate
from omniseg.settings.schema import Settings


def feature_set(settings: Settings) -> FeatureSet:
    """features.file, with the file that it includes; ConfigError with all problems."""
    tree, business = with_included(tree_of(settings.features.file)), settings.business
    return parse_features(tree, time_zone=business.time_zone, holidays=public_holidays(business.holidays))


def with_included(tree: MapNode) -> MapNode:
    """The tree of a file of features with the features of the file that its key `include` names before its own.

    An included file includes none itself: its key would be reported as unknown.
    """
    named = tree.entries.get("include")
    if named is None:
        return tree
    if not isinstance(named, TextNode) or not named.text:
        raise ConfigError([Problem(tree.places["include"], "include", "no text", "a file such as conf:features.yml")])
    lists = [one.entries.get("features") for one in (tree_of(named.text), tree)]
    items = tuple(item for one in lists if isinstance(one, ListNode) for item in one.items)
    entries = {key: node for key, node in tree.entries.items() if key != "include"}
    return MapNode({**entries, "features": ListNode(items, tree.where)}, tree.places, tree.where)


def tree_of(file: str) -> MapNode:
    """A declaration, read."""
    return yaml_strict.load(locate(file), label(file))


def segments_declaration(settings: Settings) -> SegmentsDeclaration:
    """segments.file, checked against the feature columns that exist."""
    known = [column.name for column in feature_columns(feature_set(settings))]
    file = settings.segments.file
    return parse_segments(yaml_strict.load(locate(file), label(file)), known=known)
