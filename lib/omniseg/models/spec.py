"""The fitted model as plain numbers: all that assigning a customer needs, as JSON, named by its own hash.

Snapshots are scored from this document alone. Nothing is unpickled or loaded as code, and a changed byte shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256

from omniseg.errors import ReproduceError
from omniseg.models.tree import TreeNode

FORMAT = 1
VERSION_DIGITS = 16  # hexadecimal digits of the SHA-256 that name a model


@dataclass(frozen=True)
class FeatureSpec:
    """How one feature becomes a coordinate: fill, cut to [lower, upper], transform, multiply by `scale`."""

    name: str
    transform: str  # none, log1p, sqrt or share
    missing: float  # stands for null and NaN, before the cut
    lower: float
    upper: float
    scale: float = 1.0  # weight ÷ standard deviation of the transformed sample; 0 for a feature that never varies


@dataclass(frozen=True)
class ModelSpec:
    """A fitted and pruned tree in the space of its features.

    `segment_ids` names the segments by the path of their node; together these paths cover the tree. `issued` is how
    many segment ids this model and its predecessors ever gave out, so that a retired id never returns with another
    meaning.
    """

    features: tuple[FeatureSpec, ...]
    nodes: tuple[TreeNode, ...]
    segment_ids: Mapping[str, str]
    issued: int
    training: Mapping[str, int] = field(default_factory=dict)  # seed, leaves, sample_rows

    @property
    def version(self) -> str:
        """The model's name: the first digits of the hash of its document."""
        return version_of(self.document)

    @property
    def document(self) -> str:
        """The model as canonical JSON: sorted keys, no blanks, floats in their shortest exact form."""
        plain = {"format": FORMAT, **asdict(self)}
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def named(self, segment_ids: Mapping[str, str], *, issued: int) -> ModelSpec:
        """This model with other segment ids (after matching with its predecessor)."""
        return replace(self, segment_ids=dict(segment_ids), issued=issued)


def version_of(document: str) -> str:
    """The version that a document's text names."""
    return sha256(document.encode()).hexdigest()[:VERSION_DIGITS]


def parse_spec(document: str) -> ModelSpec:
    """The model of a document; ReproduceError when it is no document of this format."""
    try:
        tree = json.loads(document)
        if tree.pop("format") != FORMAT:
            raise ValueError("another format")
        features = tuple(FeatureSpec(**feature) for feature in tree.pop("features"))
        nodes = tuple(TreeNode(**{**node, "center": tuple(node["center"])}) for node in tree.pop("nodes"))
        return ModelSpec(features=features, nodes=nodes, **tree)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReproduceError(f"the stored model is not a model document of format {FORMAT}: {error}") from error
