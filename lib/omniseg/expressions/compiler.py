"""Syntax tree to SQL, bottom up: every kind of node has a rule here, and a node without one is refused.

All parts are visited even after a refusal, so that one run names everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from sqlglot import exp

from omniseg.errors import Problem
from omniseg.expressions import choices, convert, operators, special
from omniseg.expressions.catalogue import SIMPLE
from omniseg.expressions.columns import Columns, dotted, inside, refuse_odd_names
from omniseg.expressions.containers import element_at
from omniseg.expressions.datatypes import BOOLEAN, DOUBLE, INT, UNKNOWN, DataType, datatype
from omniseg.expressions.functions import call
from omniseg.expressions.grammar import start_of
from omniseg.expressions.parts import NOTHING, Part, name_sql, plain, text_literal
from omniseg.expressions.refusal import Refused, problem
from omniseg.expressions.tree import chain, path_parts
from omniseg.names import nearest

COMPARISONS: Mapping[type[exp.Expression], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "<=>",
}
ARITHMETIC: Mapping[type[exp.Expression], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
PATTERNS: Mapping[type[exp.Expression], str] = {exp.Like: "LIKE", exp.ILike: "ILIKE", exp.RegexpLike: "RLIKE"}
CAST_TYPES = ("STRING", "BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DATE", "TIMESTAMP")
FUNCTION_NAMES = (*SIMPLE, *special.SPECIAL)
NUMBER_LIMIT = 38  # digits, those of Spark's widest decimal


class Compiler:
    """Compiles the parts of one expression; `problems` fills as parts are refused."""

    def __init__(self, text: str, columns: Columns, zone: str) -> None:
        self.text = text
        self.columns = columns
        self.zone = zone
        self.problems: list[Problem] = []

    def part(self, node: exp.Expression) -> Part:
        """The checked part for a node; after a refusal something of unknown type, so that the rest can be checked
        too.
        """
        try:
            rule = self.RULES.get(type(node))
            if rule is None:
                raise Refused(type(node).__name__.lower(), "literals, columns, operators and listed functions only")
            return rule(self, node)
        except Refused as refused:
            self.problems.append(problem(self.text, refused, start_of(node)))
            return Part("NULL", UNKNOWN)

    def parts(self, nodes: list[exp.Expression]) -> list[Part]:
        """The parts of several nodes."""
        return [self.part(node) for node in nodes]

    def literal(self, node: exp.Expression) -> Part:
        """A text, a whole number, a decimal, or (with an exponent) a double."""
        value = str(node.this)
        if node.args["is_string"]:
            return text_literal(value)
        if sum(character.isdigit() for character in value) > NUMBER_LIMIT:
            raise Refused(value, f"a number of at most {NUMBER_LIMIT} digits")
        if value.isdigit():
            return Part(value, INT if int(value) < 2**31 else DataType("integer"), literal=int(value))
        if "e" in value.lower():
            if float(value) in (float("inf"), 0.0):
                raise Refused(value, "a number that a double can hold")
            return Part(value, DOUBLE, literal=float(value))
        return Part(value, DataType("decimal"), literal=float(value))

    def truth(self, node: exp.Expression) -> Part:
        """TRUE or FALSE."""
        return Part("TRUE" if node.this else "FALSE", BOOLEAN, literal=bool(node.this))

    def nothing(self, node: exp.Expression) -> Part:
        """NULL."""
        return NOTHING

    def path(self, node: exp.Expression) -> Part:
        """A column, a dotted path into one, or a field of a computed struct."""
        if isinstance(node, exp.Dot) and isinstance(node.this, (exp.Anonymous, exp.Bracket, exp.Paren)):
            return self.field(node)
        parts = path_parts(node)
        kind = self.columns.type_of(parts)
        name = dotted(parts)
        return Part(name_sql(parts), kind, reads=frozenset({name}), path=name)

    def field(self, node: exp.Dot) -> Part:
        """items[0].price"""
        if not isinstance(node.expression, exp.Identifier):
            raise Refused(node.sql(), "the name of a field")
        holder, name = self.part(node.this), str(node.expression.this)
        refuse_odd_names((f"{name} ",))
        return plain(f"({holder.sql}).{name_sql((name,))}", inside(holder.type, (name,), holder.path), holder)

    def paren(self, node: exp.Expression) -> Part:
        """(a part): rendering sets brackets of its own."""
        return self.part(node.this)

    def comparison(self, node: exp.Expression) -> Part:
        """=, <>, <, <=, >, >=, <=>."""
        return operators.compare(COMPARISONS[type(node)], self.part(node.this), self.part(node.expression), self.zone)

    def arithmetic(self, node: exp.Expression) -> Part:
        """+, -, *, /, %."""
        return operators.arithmetic(ARITHMETIC[type(node)], self.part(node.this), self.part(node.expression), self.zone)

    def pattern(self, node: exp.Expression) -> Part:
        """LIKE, ILIKE, RLIKE."""
        return operators.matches(PATTERNS[type(node)], self.part(node.this), self.part(node.expression), self.zone)

    def minus(self, node: exp.Expression) -> Part:
        """A sign before a number."""
        return operators.minus(self.part(node.this), self.zone)

    def conditions(self, node: exp.Expression) -> Part:
        """AND, OR; a chain becomes flat."""
        sign = "AND" if isinstance(node, exp.And) else "OR"
        return operators.combine(sign, self.parts(chain(node)), self.zone)

    def negation(self, node: exp.Expression) -> Part:
        """NOT."""
        return operators.negate(self.part(node.this), self.zone)

    def joined(self, node: exp.Expression) -> Part:
        """a || b || c."""
        return operators.join_text(self.parts(chain(node)), self.zone)

    def membership(self, node: exp.Expression) -> Part:
        """IN (a, b, c)."""
        if any(node.args.get(name) for name in ("query", "unnest", "field")) or not node.expressions:
            raise Refused("in without a list", "in (value, value, …)")
        return operators.one_of(self.part(node.this), self.parts(node.expressions), self.zone)

    def between(self, node: exp.Expression) -> Part:
        """BETWEEN a AND b."""
        value, low, high = (self.part(node.args[name]) for name in ("this", "low", "high"))
        return operators.between(value, low, high, self.zone)

    def state(self, node: exp.Expression) -> Part:
        """IS NULL, IS TRUE, IS FALSE."""
        value = self.part(node.this)
        if isinstance(node.expression, exp.Null):
            return plain(f"({value.sql} IS NULL)", BOOLEAN, value)
        if not isinstance(node.expression, exp.Boolean):
            raise Refused("is", "is null, is true or is false")
        condition = convert.to_boolean(value, self.zone)
        return plain(f"({condition.sql} IS {self.truth(node.expression).sql})", BOOLEAN, condition)

    def case(self, node: exp.Expression) -> Part:
        """CASE WHEN condition THEN …, and CASE value WHEN value THEN …"""
        subject = self.part(node.this) if node.this else None
        cases = []
        for branch in node.args["ifs"]:
            condition = self.part(branch.this)
            if subject is not None:
                condition = operators.compare("=", subject, condition, self.zone)
            cases.append((condition, self.part(branch.args["true"])))
        default = node.args.get("default")
        return choices.choose(cases, self.part(default) if default else None, self.zone)

    def cast(self, node: exp.Expression) -> Part:
        """CAST and TRY_CAST, which are the same here: what cannot be converted is null and unreadable."""
        value = self.part(node.this)
        wanted = str(node.args["to"].sql("spark")).upper()
        kind = datatype(wanted)
        if kind.kind != "decimal" and wanted not in CAST_TYPES:
            raise Refused(wanted, f"{', '.join(CAST_TYPES)} or DECIMAL(p,s)")
        return convert.convert(value, kind, self.zone)

    def index(self, node: exp.Expression) -> Part:
        """list[0], where the first is 0, and map['key']; null where there is none."""
        if len(node.expressions) != 1 or not isinstance(node.this, exp.Expression):
            raise Refused("[ ]", "one position or key in brackets")
        holder, key = self.part(node.this), self.part(node.expressions[0])
        if holder.type.kind == "map" or key.text is not None:
            return element_at([holder, key], self.zone)
        if holder.type.kind not in ("array", "unknown"):
            raise Refused(f"a value of type {holder.type.kind}", "an array or a map before [ ]")
        at = convert.to_int(key, self.zone)
        return plain(f"get({holder.sql}, {at.sql})", holder.type.item or UNKNOWN, holder, at)

    def function(self, node: exp.Expression) -> Part:
        """A call of a listed function."""
        name = str(node.this).lower() if isinstance(node.this, str) else ""
        arguments = self.parts(node.expressions)
        if name in SIMPLE:
            return call(SIMPLE[name], arguments, self.zone)
        if name in special.SPECIAL:
            return special.build(name, arguments, self.zone)
        found = f"function {name or node.sql()}"
        raise Refused(found, "a function listed in docs/expressions.md", nearest=nearest(name, FUNCTION_NAMES))

    RULES: ClassVar[dict[type[exp.Expression], Callable[[Compiler, exp.Expression], Part]]] = {
        exp.Literal: literal,
        exp.Boolean: truth,
        exp.Null: nothing,
        exp.Column: path,
        exp.Dot: path,
        exp.Paren: paren,
        exp.Neg: minus,
        exp.And: conditions,
        exp.Or: conditions,
        exp.Not: negation,
        exp.DPipe: joined,
        exp.In: membership,
        exp.Between: between,
        exp.Is: state,
        exp.Case: case,
        exp.Cast: cast,
        exp.TryCast: cast,
        exp.Bracket: index,
        exp.Anonymous: function,
        **dict.fromkeys(COMPARISONS, comparison),
        **dict.fromkeys(ARITHMETIC, arithmetic),
        **dict.fromkeys(PATTERNS, pattern),
    }
