"""Random and mutated texts: the checker answers with messages, whatever it is given; nothing unsafe is rendered."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from omniseg.expressions import check, compile_expression, identifier_pairs
from omniseg.expressions.refusal import ExpressionError
from tests.expressions.samples import ACCEPTED, COLUMNS

SEED = 20_170_930
ROUNDS = 20_000


def listed(name: str) -> list[str]:
    """The texts of a data file, one per line, escaped as JSON."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return [str(json.loads(line)) for line in lines]


# Deep and long texts are in the corpus; here they would only cost time.
SEEDS = [text for text in [*ACCEPTED, *listed("refused.txt")] if len(text) < 200]
WORDS = listed("words.txt")  # of the language and of its enemies
FORBIDDEN = re.compile(
    r"reflect|java_method|\bselect\b|input_file|\brand\(|uuid|current_(date|timestamp|user)|raise_error|/\*"
)


def mutated(dice: random.Random) -> str:
    """A text made from one or two known ones by cutting, doubling, swapping and inserting."""
    text = dice.choice(SEEDS)
    for _ in range(dice.randint(1, 4)):
        at = dice.randint(0, len(text))
        to = dice.randint(at, min(len(text), at + 8))
        other = dice.choice(SEEDS)
        cut = dice.randint(0, len(other))
        text = dice.choice(
            [
                text[:at] + text[to:],
                text[:at] + dice.choice(WORDS) + text[at:],
                text[:at] + " " + dice.choice(WORDS) + " " + text[to:],
                text[:at] + other[cut : cut + 20] + text[to:],
                text[:to] + text[at:],
                text[:at] + chr(dice.choice([dice.randint(0, 127), dice.randint(128, 0xFFFF)])) + text[to:],
            ]
        )
    return str(text)


def random_text(dice: random.Random) -> str:
    """Words in any order."""
    return dice.choice([" ", ""]).join(dice.choices(WORDS, k=dice.randint(1, 25)))


def texts(seed: int, rounds: int) -> list[str]:
    """The texts of one sweep."""
    dice = random.Random(seed)
    return [mutated(dice) if dice.random() < 0.7 else random_text(dice) for _ in range(rounds)]


def outside_quotes(sql: str) -> str:
    """The SQL without its string literals and quoted names, which may hold anything."""
    return re.sub(r"'(?:[^'\\]|\\.)*'|`(?:[^`]|``)*`", "", sql, flags=re.DOTALL).lower()


def sweep(seed: int, rounds: int) -> tuple[int, int]:
    """Checks all texts; how many were accepted and how many refused."""
    accepted = refused = 0
    for text in texts(seed, rounds):
        messages = check(text, columns=COLUMNS)
        refused += bool(messages)
        if messages:
            continue
        accepted += 1
        compiled = compile_expression(text, columns=COLUMNS, time_zone="Europe/Berlin")
        left = outside_quotes(compiled.sql + compiled.failed_sql)
        assert not FORBIDDEN.search(left), text
        assert re.fullmatch(r"[a-z0-9_\s(),.+*/%=<>\-\[\]]*", left), text
    return accepted, refused


def test_C05_fuzzed_texts_are_compiled_or_refused_and_never_crash():
    accepted, refused = sweep(SEED, ROUNDS)
    assert accepted + refused == ROUNDS
    assert accepted > ROUNDS // 100  # the sweep is no test of the lexer alone
    assert refused > ROUNDS // 2


def test_fuzzed_identifiers_never_crash():
    wrong = 0
    for text in texts(SEED + 1, 1_000):
        try:
            identifier_pairs(text)
        except ExpressionError:
            wrong += 1
    assert wrong > 900


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(50))
def test_C05_long_sweep(seed):
    assert sum(sweep(seed, ROUNDS)) == ROUNDS


@pytest.mark.parametrize("text", [chr(code) for code in range(32)] + ["\x7f", "\ud800", "\ufffe"])
def test_control_characters_alone_are_refused(text):
    assert check(text, columns=None)
