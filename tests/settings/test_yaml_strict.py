"""C03, C04: YAML's traps leave texts as they were written, and what can hurt or deceive is refused with its line."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import pytest

from omniseg.errors import ConfigError
from omniseg.nodes import ListNode, MapNode, Node, TextNode, places_of
from omniseg.settings.yaml_strict import load, parse


def tree(text: str) -> MapNode:
    """The tree of a file called f.yml."""
    return parse(text.encode(), "f.yml")


def texts(node: Node) -> object:
    """A tree as plain lists and dicts of texts."""
    if isinstance(node, TextNode):
        return node.text
    if isinstance(node, ListNode):
        return [texts(item) for item in node.items]
    return {key: texts(child) for key, child in node.entries.items()}


def problems(text: str | bytes) -> list[str]:
    """The messages with which a file is refused."""
    content = text.encode() if isinstance(text, str) else text
    with pytest.raises(ConfigError) as refused:
        parse(content, "f.yml")
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    "scalar",
    [
        *("NO", "no", "Yes", "on", "off", "true", "False", "y", "n"),
        *("1.10", "12:30:45", "0123", "0o17", "0x1F", "0b11", "1e3", "1_000", ".5", ".inf", ".NaN", "-0", "+1", "1."),
        *("2024-01-31", "2024-01-31 12:00:00", "2024-01-31T12:00:00Z", "190:20:30"),
        *("=", "NULL", "Null", "None", "İ", "naïve", "日本", "🙂"),
    ],
)
@pytest.mark.parametrize("quotes", ["{}", "'{}'", '"{}"'], ids=["plain", "single", "double"])
def test_C03_scalars_stay_as_written(scalar: str, quotes: str):
    assert texts(tree(f"key: {quotes.format(scalar)}")) == {"key": scalar}


def test_C03_norway_stays_in_a_list():
    assert texts(tree("countries: [SE, NO, DK]")) == {"countries": ["SE", "NO", "DK"]}


@pytest.mark.parametrize("key", ["NO", "1.10", "0123", "null", "2024-01-31", "true"])
def test_C03_keys_stay_as_written(key: str):
    assert texts(tree(f"{key}: x")) == {key: "x"}


@pytest.mark.parametrize("empty", ["null", "~", ""])
def test_plain_nothing_is_none(empty: str):
    assert texts(tree(f"key: {empty}")) == {"key": None}


@pytest.mark.parametrize("filled", ["null", "~", ""])
def test_quoted_nothing_is_text(filled: str):
    assert texts(tree(f"key: '{filled}'")) == {"key": filled}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: |\n  x\n  y\n", "x\ny\n", id="literal_block"),
        pytest.param("a: >-\n  x\n  y\n", "x y", id="folded_block"),
        pytest.param("a: x # comment", "x", id="comment"),
        pytest.param("a: x#y", "x#y", id="hash_inside"),
        pytest.param("\ufeffa: x", "x", id="byte_order_mark"),
        pytest.param("a: x\r\n", "x", id="carriage_returns"),
        pytest.param("---\na: x\n...\n", "x", id="one_marked_document"),
        pytest.param('a: "\\t"', "\t", id="escaped_tab"),
    ],
)
def test_texts(text: str, expected: str):
    assert texts(tree(text)) == {"a": expected}


def test_aliases_repeat_a_node():
    assert texts(tree("a: &x [1, 2]\nb: *x")) == {"a": ["1", "2"], "b": ["1", "2"]}


def test_every_key_knows_its_line():
    found = places_of(tree("a: 1\nb:\n  c:\n    - d: x\n    - y\n  e: 2\n"))
    assert found == {
        "a": "f.yml:1",
        "b": "f.yml:2",
        "b.c": "f.yml:3",
        "b.c[1]": "f.yml:4",
        "b.c[1].d": "f.yml:4",
        "b.c[2]": "f.yml:5",
        "b.e": "f.yml:6",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: 1\nb:\n  c: 1\n  c: 2", "f.yml:4: b.c: found a second value", id="duplicate"),
        pytest.param("a: 1\n'a': 2", "f.yml:2: a: found a second value", id="duplicate_in_quotes"),
        pytest.param("a: !!python/object:os.system {}", "f.yml:1: a: found a YAML tag", id="python_object"),
        pytest.param("a: !!python/object/apply:os.system ['true']", "f.yml:1: a: found a YAML tag", id="python_call"),
        pytest.param("a: !!int 3", "f.yml:1: a: found a YAML tag", id="standard_tag"),
        pytest.param("a: ! x", "f.yml:1: a: found a YAML tag", id="bare_tag"),
        pytest.param("a: {<<: {b: 1}}", "f.yml:1: a: found a merge key (<<)", id="merge_key"),
        pytest.param("[a, b]: 1", "f.yml:1: file: found a key that is no text", id="list_as_key"),
        pytest.param("a: 1\n'': 2", "f.yml:2: file: found a key that is no text", id="empty_key"),
        pytest.param("a: &x b\n*x : 1", "f.yml:2: file: found a key that is no text", id="alias_as_key"),
        pytest.param("a: 1\n---\nb: 2", "f.yml:2: file: found a second document", id="second_document"),
        pytest.param("- a\n- b", "f.yml:1: file: found no mapping at the top", id="list_at_top"),
        pytest.param("just text", "f.yml:1: file: found no mapping at the top", id="text_at_top"),
        pytest.param("", "f.yml:1: file: found an empty file", id="empty"),
        pytest.param("# only a comment\n", "f.yml:1: file: found an empty file", id="comment_only"),
        pytest.param("a:\n\tb: 1", "f.yml:2: syntax: found a tab", id="tab_as_indent"),
        pytest.param("a:\t1", "f.yml:1: syntax: found a tab", id="tab_before_value"),
        pytest.param(
            "a: 1\nb: [1, 2\nc: 3",
            "f.yml:3: syntax: found invalid YAML (expected ',' or ']', but got ':')",
            id="open_bracket",
        ),
        pytest.param("a: *x", "f.yml:1: a: found an alias of nothing that is complete", id="unknown_alias"),
        pytest.param("a: &x [*x]", "f.yml:1: a: found an alias of nothing that is complete", id="alias_of_itself"),
        pytest.param("a: 1\nb: \x07", "f.yml:2: file: found the control character 0x7", id="control_character"),
        pytest.param("a: 1\nb: \x00", "f.yml:2: file: found the control character 0x0", id="nul"),
        pytest.param(b"a: 1\nb: \xff", "f.yml:2: file: found bytes that are not UTF-8", id="latin1"),
        pytest.param("a: 1".encode("utf-16"), "f.yml:1: file: found bytes that are not UTF-8", id="utf16"),
        pytest.param(b"#" * 1_000_001, "f.yml: file: found 1000001 bytes", id="too_big"),
    ],
)
def test_refused(text: str | bytes, message: str):
    assert [problem.split(", expected ")[0] for problem in problems(text)] == [message]


def test_all_problems_of_a_file_at_once():
    text = "a: !!int 1\nb: 1\nb: 2\nc: {<<: {}}\nd: !x [*nobody]\n"
    assert [line.split(":")[1] for line in problems(text)] == ["1", "3", "4", "5", "5"]


def test_problems_before_a_syntax_error_are_reported_too():
    assert problems("a: 1\na: 2\nb: [") == [
        "f.yml:2: a: found a second value, expected one; the first is at f.yml:1",
        "f.yml:3: syntax: found invalid YAML (expected the node content, but found '<stream end>'), expected YAML",
    ]


def bomb(levels: int, width: int) -> str:
    """Aliases of aliases: a few hundred bytes that stand for width ** levels texts."""
    lines = ["a0: &a0 [" + ",".join("x" * width) + "]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [" + ",".join([f"*a{level - 1}"] * width) + "]")
    return "\n".join(lines)


def test_C04_alias_bomb_is_refused_in_little_memory():
    text = bomb(levels=7, width=7)
    assert len(text) <= 306
    tracemalloc.start()
    found = problems(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 1
    assert "found aliases that multiply, expected at most 50 aliases" in found[0]
    assert peak < 5_000_000


def test_C04_fifty_aliases_pass_and_one_more_does_not():
    listed = ", ".join(["*x"] * 50)
    assert texts(tree(f"a: &x y\nb: [{listed}]")) == {"a": "y", "b": ["y"] * 50}
    assert "aliases that multiply" in problems(f"a: &x y\nb: [{listed}, *x]")[0]


def test_C04_few_aliases_of_a_large_node_are_refused():
    large = ",".join("x" * 1500)
    assert "aliases that multiply" in problems(f"a: &x [{large}]\nb: [{','.join(['*x'] * 8)}]")[0]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: " + "[" * 3000 + "]" * 3000, id="lists"),
        pytest.param("a: " + "{a: " * 3000 + "1" + "}" * 3000, id="mappings"),
        pytest.param("\n".join(" " * level + "a:" for level in range(1400)), id="indented"),
        pytest.param("a: " + "[" * 3000, id="never_closed"),
    ],
)
def test_C04_depth_is_limited(text: str):
    found = problems(text)
    assert len(found) == 1
    assert found[0].endswith("found a nesting deeper than that, expected at most 50 levels")


def test_C04_depth_49_passes_below_the_top():
    assert isinstance(tree("a: " + "[" * 48 + "x" + "]" * 48), MapNode)
    assert "nesting deeper" in problems("a: " + "[" * 49 + "x" + "]" * 49)[0]


def test_C04_depth_counts_through_aliases():
    inner = "[" * 30 + "x" + "]" * 30
    outer = "[" * 30 + "*x" + "]" * 30
    assert "50 levels" in problems(f"a: &x {inner}\nb: {outer}")[0]


def test_C04_tag_creates_nothing(tmp_path: Path):
    marker = tmp_path / "made"
    problems(f"a: !!python/object/apply:os.mkdir ['{marker}']")
    assert not marker.exists()


def test_load_reads_a_file(tmp_path: Path):
    file = tmp_path / "x.yml"
    file.write_text("a: NO\n", encoding="utf-8")
    assert texts(load(file, "x.yml")) == {"a": "NO"}


def test_load_reads_from_an_archive(tmp_path: Path):
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("conf/x.yml", "a: NO\n")
    assert texts(load(zipfile.Path(archive, "conf/x.yml"), "x.yml")) == {"a": "NO"}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("absent.yml", "no such file", id="missing_file"),
        pytest.param("", "IsADirectoryError on reading", id="folder"),
    ],
)
def test_load_names_what_cannot_be_read(tmp_path: Path, name: str, found: str):
    with pytest.raises(ConfigError, match=f"^x.yml: file: found {found}"):
        load(tmp_path / name, "x.yml")


def test_a_message_never_repeats_a_value():
    found = problems("key: hunter2\nkey: hunter3\nother: !secret hunter4\nlist: [hunter5")
    assert "hunter" not in "\n".join(found)
