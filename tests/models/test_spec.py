"""The model as a document: nothing lost, nothing hidden, named by its hash."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from omniseg.errors import ReproduceError
from omniseg.models.spec import FeatureSpec, ModelSpec, parse_spec, version_of
from omniseg.models.tree import TreeNode

SPEC = ModelSpec(
    features=(FeatureSpec("recency_days", "log1p", missing=365.0, lower=0.0, upper=365.0, scale=0.1 + 0.2),),
    nodes=(
        TreeNode("0", 3, (1.0,), 2.5, -1),
        TreeNode("0.0", 2, (0.1,), 0.0, 0),
        TreeNode("0.1", 1, (2.8,), 0.0, 1),
    ),
    segment_ids={"0.0": "s01", "0.1": "s02"},
    issued=2,
    training={"seed": 17, "leaves": 18, "sample_rows": 3},
)


def test_a_document_read_back_is_the_same_model():
    assert parse_spec(SPEC.document) == SPEC
    assert parse_spec(SPEC.document).document == SPEC.document


def test_doubles_survive_to_the_last_bit():
    assert parse_spec(SPEC.document).features[0].scale == 0.30000000000000004


def test_the_version_is_the_hash_of_the_document():
    assert SPEC.version == version_of(SPEC.document)
    assert len(SPEC.version) == 16


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(SPEC, segment_ids={"0.0": "s02", "0.1": "s01"}), id="ids_swapped"),
        pytest.param(replace(SPEC, issued=3), id="another_id_given_out"),
        pytest.param(replace(SPEC, features=(replace(SPEC.features[0], upper=364.0),)), id="another_limit"),
        pytest.param(
            replace(SPEC, nodes=(*SPEC.nodes[:2], replace(SPEC.nodes[2], center=(2.9,)))), id="a_centre_moved"
        ),
    ],
)
def test_another_model_has_another_version(other):
    assert other.version != SPEC.version


def test_the_order_of_ids_does_not_change_the_version():
    assert replace(SPEC, segment_ids={"0.1": "s02", "0.0": "s01"}).version == SPEC.version


def test_renaming_segments_keeps_the_rest():
    renamed = SPEC.named({"0.0": "s07", "0.1": "s01"}, issued=7)
    assert (renamed.segment_ids["0.0"], renamed.issued, renamed.nodes) == ("s07", 7, SPEC.nodes)


def changed(**fields: object) -> str:
    """SPEC's document with some fields replaced."""
    return json.dumps({**json.loads(SPEC.document), **fields})


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="cut_off"),
        pytest.param("[]", id="a_list"),
        pytest.param("{}", id="no_format"),
        pytest.param(changed(format=2), id="another_format"),
        pytest.param(changed(loader_module="os"), id="a_field_too_many"),
        pytest.param(changed(nodes=[{"path": "0"}]), id="half_a_node"),
        pytest.param(changed(features=[{"name": "x", "code": "import os"}]), id="code_in_a_feature"),
    ],
)
def test_anything_else_is_refused(document):
    with pytest.raises(ReproduceError, match="not a model document"):
        parse_spec(document)
