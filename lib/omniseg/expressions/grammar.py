"""Text to syntax tree: sqlglot's Spark parser, fed with our own pieces and robbed of everything that is not an
expression.

The tokens are made here from `lexis.pieces`, and only the words in `KEYWORDS` mean more than a name. So SELECT,
INTERVAL, TABLE or a hint cannot even be spelled, and every function call arrives as `exp.Anonymous` under the name
that the user wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.tokens import Token, TokenType

from omniseg.expressions.lexis import Piece, pieces
from omniseg.expressions.refusal import Refused

KEYWORDS = {
    "and": TokenType.AND,
    "or": TokenType.OR,
    "not": TokenType.NOT,
    "in": TokenType.IN,
    "between": TokenType.BETWEEN,
    "like": TokenType.LIKE,
    "ilike": TokenType.ILIKE,
    "rlike": TokenType.RLIKE,
    "is": TokenType.IS,
    "null": TokenType.NULL,
    "true": TokenType.TRUE,
    "false": TokenType.FALSE,
    "case": TokenType.CASE,
    "when": TokenType.WHEN,
    "then": TokenType.THEN,
    "else": TokenType.ELSE,
    "end": TokenType.END,
    "as": TokenType.ALIAS,
}
TYPED_LITERALS = {"date": TokenType.DATE, "timestamp": TokenType.TIMESTAMP}  # DATE '2024-01-31'
SIGNS = {
    "(": TokenType.L_PAREN,
    ")": TokenType.R_PAREN,
    "[": TokenType.L_BRACKET,
    "]": TokenType.R_BRACKET,
    ",": TokenType.COMMA,
    ".": TokenType.DOT,
    "+": TokenType.PLUS,
    "-": TokenType.DASH,
    "*": TokenType.STAR,
    "/": TokenType.SLASH,
    "%": TokenType.MOD,
    "=": TokenType.EQ,
    "==": TokenType.EQ,
    "<=>": TokenType.NULLSAFE_EQ,
    "<>": TokenType.NEQ,
    "!=": TokenType.NEQ,
    "<": TokenType.LT,
    "<=": TokenType.LTE,
    ">": TokenType.GT,
    ">=": TokenType.GTE,
    "||": TokenType.DPIPE,
}
KINDS = {"string": TokenType.STRING, "quoted": TokenType.IDENTIFIER, "number": TokenType.NUMBER, "word": TokenType.VAR}
VALUE_ENDS = frozenset({")", "]", "end", "null", "true", "false"})
NEGATABLE = frozenset({"in", "between", "like", "ilike", "rlike"})
CHAINS = (exp.And, exp.Or, exp.DPipe)  # rendered flat, so a long chain is not a deep one
CHAIN_LIMIT = 200
TREE_LIMIT = 60  # levels of the tree, so also terms of one sum


class ExpressionParser(Spark.Parser):
    """Spark's parser without functions of its own: calls stay anonymous, CAST and CASE are the only special forms."""

    # RUF012 would have these annotated as ClassVar, which the untyped originals do not allow.
    FUNCTIONS: dict[str, Callable[..., exp.Expression]] = {}  # noqa: RUF012
    FUNCTION_PARSERS = {  # noqa: RUF012
        "CAST": lambda self: self._parse_cast(True),
        "TRY_CAST": lambda self: self._parse_cast(False, safe=True),
    }
    NO_PAREN_FUNCTIONS: dict[TokenType, type[exp.Func]] = {}  # noqa: RUF012
    NO_PAREN_FUNCTION_PARSERS = {"CASE": lambda self: self._parse_case()}  # noqa: RUF012


def parse(text: str) -> exp.Expression:
    """The syntax tree of one expression, at most `NESTING_LIMIT` deep; `Refused` with a position for anything else."""
    found = pieces(text)
    tokens = [token(one, following) for one, following in zip(found, [*found[1:], None], strict=True)]
    refuse_postfix_not(found)
    refuse_point_before_number(found)
    parser = ExpressionParser(error_level=ErrorLevel.IMMEDIATE, dialect=Spark())
    try:
        trees = parser.parse_into(exp.Condition, tokens, text)
    except SqlglotError as failure:
        raise refused(failure, text, found) from None
    # Other people's code meets hostile text here: whatever the parser trips over is a refusal, not our crash.
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as failure:
        raise Refused(text, "an expression", start=0) from failure
    if len(trees) != 1 or trees[0] is None:
        raise Refused(text, "one expression", start=0)
    refuse_depth(trees[0])
    return trees[0]


def refuse_postfix_not(found: list[Piece]) -> None:
    """Refuse `x not`, which the parser would read as `not x`; after a value only `not in`, `not like`, … have a
    meaning.
    """
    for before, one, following in zip(found, found[1:], [*found[2:], None], strict=False):
        is_value = before.kind in ("string", "number", "quoted") or before.folded in VALUE_ENDS
        is_name = before.kind == "word" and before.folded not in KEYWORDS
        if one.folded == "not" and (is_value or is_name) and (following is None or following.folded not in NEGATABLE):
            raise Refused("not", "not in, not like, not between … after a value", start=one.start)


def refuse_point_before_number(found: list[Piece]) -> None:
    """Refuse `. 5` and `..5`, of which the parser would make one number; a point of its own is part of a path."""
    for one, following in pairwise(found):
        if one.folded == "." and following.kind == "number":
            raise Refused(f".{following.value}", "a number, such as 0.5, or a column", start=one.start)


def token(one: Piece, following: Piece | None) -> Token:
    """The parser's token for a piece; the column is that of its first character."""
    kind = SIGNS[one.value] if one.kind == "sign" else KINDS[one.kind]
    if one.kind == "word":
        kind = KEYWORDS.get(one.folded, kind)
        if following is not None and following.kind == "string":
            kind = TYPED_LITERALS.get(one.folded, kind)
    return Token(kind, one.value, start=one.start, end=one.end)


def refused(failure: SqlglotError, text: str, found: list[Piece]) -> Refused:
    """The parser's complaint as ours: the piece it stopped at, and its reason."""
    details = getattr(failure, "errors", None) or [{}]
    highlight = str(details[0].get("highlight") or "")
    before = str(details[0].get("start_context") or "")
    start = text.find(highlight, max(0, text.find(before) + len(before))) if highlight else found[-1].start
    return Refused(highlight or text, "one complete expression", start=max(0, start))


def refuse_depth(tree: exp.Expression) -> None:
    """Refuse trees that are too deep to walk or to send to Spark; left-deep chains of and, or, || count as one
    level.
    """
    waiting: list[tuple[exp.Expression, int, int]] = [(tree, 1, 1)]
    while waiting:
        node, depth, chain = waiting.pop()
        if depth > TREE_LIMIT or chain > CHAIN_LIMIT:
            raise Refused("deep nesting", f"at most {TREE_LIMIT} levels", start=start_of(node))
        for child in node.iter_expressions():
            linked = isinstance(node, CHAINS) and type(child) is type(node)
            waiting.append((child, depth + (not linked), chain + 1 if linked else 1))


def start_of(node: exp.Expression) -> int:
    """Offset of the first name or call inside the node; of its nearest neighbour above, where it holds only
    literals.
    """
    current: exp.Expression | None = node
    while current is not None:
        starts = [one.meta["start"] for one in current.walk() if "start" in one.meta]
        if starts:
            return int(min(starts))
        current = current.parent
    return 0
