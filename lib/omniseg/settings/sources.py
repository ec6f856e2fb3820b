"""Declaration files are opened here, references to settings replaced, the mistakes of all files reported at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from omniseg.errors import ConfigError, Problem
from omniseg.ingest.declaration import ReferenceDeclaration, SourceDeclaration
from omniseg.ingest.declaration_reader import read_declaration
from omniseg.nodes import ListNode, MapNode, Node, TextNode
from omniseg.secrecy import likely_secret
from omniseg.settings import yaml_strict
from omniseg.settings.conf import Traversable, label, locate
from omniseg.settings.interpolate import Broken, Resolver
from omniseg.settings.load import describe
from omniseg.settings.schema import Settings
from omniseg.settings.values import NO_SECRET, public

ENDINGS = (".yml", ".yaml")


def load_declarations(folder: str, settings: Settings) -> tuple[SourceDeclaration | ReferenceDeclaration, ...]:
    """The declarations of all *.yml and *.yaml files in `folder` (a path or `conf:NAME`), by file name.

    Raises ConfigError with every problem of every file, also where the folder is missing or empty, or two files declare
    the same name.
    """
    problems: list[Problem] = []
    declarations = []
    for file in declaration_files(folder, settings):
        try:
            declarations.append(read_file(file, f"{label(folder).rstrip('/')}/{file.name}", settings))
        except ConfigError as error:
            problems += error.problems
    problems += twice(declarations)
    if problems:
        raise ConfigError(problems)
    return tuple(declarations)


def load_declaration(path: str, settings: Settings) -> SourceDeclaration | ReferenceDeclaration:
    """The declaration of one file (a path or `conf:NAME`); raises ConfigError with every problem."""
    return read_file(locate(path), label(path), settings)


def declaration_files(folder: str, settings: Settings) -> list[Traversable]:
    """The files of a folder that declare something, by name; at least one."""
    place = locate(folder)
    present = place.is_dir()
    files = [file for file in place.iterdir() if file.name.endswith(ENDINGS) and file.is_file()] if present else []
    if not files:
        found = f"{folder!r}, which {'holds no *.yml' if present else 'is no folder'}"
        where = settings.origins["sources.dir"] if folder == settings.sources.dir else folder
        raise ConfigError([Problem(where, "sources.dir", found, "a folder with one *.yml for each source")])
    return sorted(files, key=lambda file: file.name)


def read_file(file: Traversable, name: str, settings: Settings) -> SourceDeclaration | ReferenceDeclaration:
    """The declaration of one opened file."""
    tree = yaml_strict.load(file, name)
    problems = list(secrets_in(tree, ""))
    tree = with_path(tree, settings, problems)
    try:
        declaration = read_declaration(tree, file=name)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    if problems:
        raise ConfigError(problems)
    return declaration


def with_path(tree: MapNode, settings: Settings, problems: list[Problem]) -> MapNode:
    """The tree with references in `path` replaced by settings."""
    node = tree.entries.get("path")
    if not isinstance(node, TextNode) or node.text is None:
        return tree
    resolver = Resolver({key: value for key, value, _ in describe(settings) if public(key)})
    try:
        path = TextNode(resolver.expand(node.text, path=("path",)), node.where)
    except Broken as broken:
        expected = "references to settings, such as ${landing.root}"
        problems.append(Problem(tree.places["path"], "path", broken.found, expected, broken.suggestion))
        return tree
    return replace(tree, entries={**tree.entries, "path": path})


def secrets_in(node: Node, key: str) -> Iterator[Problem]:
    """Every text of the tree that holds a secret."""
    if isinstance(node, TextNode):
        if node.text and (secret := likely_secret(node.text)):
            yield Problem(node.where, key, f"{secret} (not shown)", NO_SECRET)
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from secrets_in(item, key)
    else:
        for name, child in node.entries.items():
            yield from secrets_in(child, f"{key}.{name}" if key else name)


def twice(declarations: list[SourceDeclaration | ReferenceDeclaration]) -> Iterator[Problem]:
    """Names that a second file declares; sources and reference tables share one list of names in every count."""
    first: dict[str, SourceDeclaration | ReferenceDeclaration] = {}
    for declaration in declarations:
        earlier = first.setdefault(declaration.name, declaration)
        if earlier is not declaration:
            key = "source" if isinstance(declaration, SourceDeclaration) else "target"
            found = f"{declaration.name!r}, which {earlier.file} declares too"
            yield Problem(declaration.where(key), key, found, "a name of its own in each file")
