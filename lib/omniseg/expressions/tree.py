"""Shapes of the parsed tree: chains of one operator, and dotted paths."""

from __future__ import annotations

from sqlglot import exp

from omniseg.expressions.refusal import Refused


def chain(node: exp.Expression) -> list[exp.Expression]:
    """The operands of a left-deep chain of one operator, from left to right."""
    found = []
    while type(node.this) is type(node):
        found.append(node.expression)
        node = node.this
    return [node.this, node.expression, *reversed(found)]


def path_parts(node: exp.Expression) -> tuple[str, ...]:
    """The names of a dotted path, or `Refused` where something else stands between the dots."""
    if isinstance(node, exp.Dot):
        if not isinstance(node.expression, exp.Identifier):
            raise Refused(node.sql()[:60], "a plain column or path")
        before = path_parts(node.this) if not isinstance(node.this, exp.Identifier) else (str(node.this.this),)
        return (*before, str(node.expression.this))
    if not isinstance(node, exp.Column) or not all(isinstance(one, exp.Identifier) for one in node.parts):
        raise Refused(type(node).__name__.lower(), "a plain column or path")
    return tuple(str(one.this) for one in node.parts)
