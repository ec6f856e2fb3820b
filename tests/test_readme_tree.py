"""The tree in the README equals the disk."""

from __future__ import annotations

import re

import pytest

from tests.source_tree import PACKAGE, ROOT, shipped

TREE_LINE = re.compile(r"^(?P<indent>[\s│├└─]*)(?P<names>[\w./{},*-]+(?: [\w./-]+/)*)(?:\s{2,}.*)?$")
SILENT = {"lib/omniseg/py.typed"}  # a marker for type checkers, of no interest to a reader


def readme_tree() -> list[str]:
    """Paths in the README's tree: the fenced block with a line for `lib/`; nesting by indentation or box characters."""
    readme = ROOT / "README.md"
    blocks = (
        re.findall(r"^```\w*\n(.*?)^```", readme.read_text(encoding="utf-8"), re.M | re.S) if readme.exists() else []
    )
    block = next((block for block in blocks if re.search(r"^[\s│├└─]*lib/", block, re.MULTILINE)), None)
    if block is None:
        pytest.skip("README.md has no tree yet")
    return nested_paths(block)


def nested_paths(block: str) -> list[str]:
    """`lib/` then an indented `omniseg/` gives lib and lib/omniseg; text after two spaces is a remark."""
    paths: list[str] = []
    open_folders: list[tuple[int, str]] = []
    for match in filter(None, map(TREE_LINE.match, block.splitlines())):
        depth = len(match["indent"])
        open_folders = [(at, folder) for at, folder in open_folders if at < depth]
        parent = open_folders[-1][1] if open_folders else ""
        paths += [f"{parent}{name}".rstrip("/") for name in match["names"].split()]
        if match["names"].endswith("/"):
            open_folders.append((depth, f"{parent}{match['names'].split()[-1]}"))
    return paths


def test_readme_tree_names_what_exists():
    gone = [path for path in readme_tree() if not any(ROOT.glob(path))]
    assert not gone, f"in the README's tree, not on disk: {gone}"


def test_readme_tree_leaves_nothing_out():
    shown = set(readme_tree())
    tops = {file.relative_to(ROOT).parts[0] for file in shipped() if len(file.relative_to(ROOT).parts) > 1}
    visible = {top for top in tops if not top.startswith(".")}
    inside = {f"lib/omniseg/{path.name}" for path in PACKAGE.iterdir() if path.name[0] not in "_."} - SILENT
    missing = sorted(path for path in visible | inside if path not in shown)
    assert not missing, f"on disk, not in the README's tree: {missing}"


@pytest.mark.parametrize(
    ("block", "paths"),
    [
        pytest.param("lib/o/  code\n  e.py  codes\n", ["lib/o", "lib/o/e.py"], id="indented"),
        pytest.param("lib/\n├── a.py  x\n└── b/\n    └── c\n", ["lib", "lib/a.py", "lib/b", "lib/b/c"], id="boxes"),
        pytest.param("lib/\n  a/ b/  two\njobs/\n", ["lib", "lib/a", "lib/b", "jobs"], id="two_on_a_line"),
    ],
)
def test_tree_is_read_by_nesting(block: str, paths: list[str]):
    assert nested_paths(block) == paths
