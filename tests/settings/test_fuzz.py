"""Whatever stands in a file, on the command line or in the environment: settings come back, or one ConfigError."""

from __future__ import annotations

import random

from omniseg.errors import ConfigError
from omniseg.ingest.ddl import BadDdl, columns_of
from omniseg.nodes import MapNode
from omniseg.settings.keys import keys
from omniseg.settings.load import load_settings
from omniseg.settings.schema import Settings
from omniseg.settings.yaml_strict import parse

PIECES = [
    *(
        "a",
        "b: 1",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "\t",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&x ",
        "*x",
        "!t ",
        "!!int ",
        "'",
        '"',
        "\\",
    ),
    *("|", ">", "#", "%YAML 1.2", "---", "...", "?", "<<: ", "~", "null", "@", "`", "\ufeff", "\x00", "\x85", "\u2028"),
    *("é", "🙂", "0", "${a.b}", "${", "secret://env/X"),
]
DDL_PIECES = [
    "a",
    "INT",
    " ",
    ",",
    "<",
    ">",
    "(",
    ")",
    "9",
    "STRUCT",
    "ARRAY",
    "MAP",
    "DECIMAL",
    "`",
    "'",
    ":",
    "NOT",
    "-",
]


def noise(dice: random.Random, pieces: list[str]) -> str:
    """A short text made of random pieces."""
    return "".join(dice.choice(pieces) for _ in range(dice.randrange(1, 25)))


def test_C04_any_bytes_give_a_tree_or_a_config_error():
    dice = random.Random(17)
    trees = refused = 0
    for _ in range(5_000):
        content = noise(dice, PIECES).encode() + (b"\xff" if dice.random() < 0.02 else b"")
        try:
            assert isinstance(parse(content, "f.yml"), MapNode)
            trees += 1
        except ConfigError as error:
            refused += bool(error.problems)
    assert trees + refused == 5_000
    assert min(trees, refused) > 100


def test_any_sets_and_variables_give_settings_or_a_config_error():
    dice = random.Random(17)
    known = list(keys())
    accepted = refused = 0
    for _ in range(300):
        key = dice.choice(known)
        value = dice.choice([noise(dice, PIECES), str(dice.randrange(-5, 500)), f"${{{dice.choice(known)}}}", ""])
        variable = "OMNISEG_" + key.replace(".", "__").upper()
        in_environment = dice.random() < 0.5 and "\x00" not in value
        sets, environ = ([], {variable: value}) if in_environment else ([f"{key}={value}"], {})
        try:
            assert isinstance(load_settings(env="local", conf=None, sets=sets, environ=environ), Settings)
            accepted += 1
        except ConfigError as error:
            refused += bool(error.problems)
    assert accepted + refused == 300
    assert min(accepted, refused) > 30


def test_any_schema_text_gives_columns_or_a_refusal():
    dice = random.Random(17)
    columns = refused = 0
    for _ in range(20_000):
        try:
            columns += bool(columns_of("a INT " + noise(dice, DDL_PIECES)))
        except BadDdl:
            refused += 1
    assert min(columns, refused) > 20
