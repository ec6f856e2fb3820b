"""The declarations of features and segments, as the settings name them."""

from __future__ import annotations

from omniseg.features.declaration import FeatureSet, feature_columns
from omniseg.features.parsing import parse_features
from omniseg.segments.declaration import SegmentsDeclaration, parse_segments
from omniseg.settings import yaml_strict
from omniseg.settings.conf import label, locate
from omniseg.settings.schema import Settings


def feature_set(settings: Settings) -> FeatureSet:
    """features.file; ConfigError with all its problems."""
    file = settings.features.file
    return parse_features(yaml_strict.load(locate(file), label(file)), time_zone=settings.business.time_zone)


def segments_declaration(settings: Settings) -> SegmentsDeclaration:
    """segments.file, checked against the feature columns that exist."""
    known = [column.name for column in feature_columns(feature_set(settings))]
    file = settings.segments.file
    return parse_segments(yaml_strict.load(locate(file), label(file)), known=known)
