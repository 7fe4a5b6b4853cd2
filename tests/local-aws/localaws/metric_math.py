"""Metric math as far as alarms on a queue need it: arithmetic over metric ids, and FILL.

In CloudWatch's arithmetic a missing value counts as zero beside one that is there; FILL replaces it.
"""

from __future__ import annotations

import ast
import operator

_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def evaluate(expression: str, values: dict[str, float | None]) -> float | None:
    """The value of one period; None when there is no data."""
    return _value(ast.parse(expression, mode="eval").body, values)


def names(expression: str) -> set[str]:
    """The metric ids in an expression."""
    tree = ast.parse(expression, mode="eval")
    functions = {call.func for call in ast.walk(tree) if isinstance(call, ast.Call)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node not in functions}


def _value(node: ast.expr, values: dict[str, float | None]) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _value(operand, values)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            sides = [_value(left, values), _value(right, values)]
            if all(side is None for side in sides):
                return None
            first, second = (side or 0.0 for side in sides)
            return None if isinstance(op, ast.Div) and second == 0 else _OPERATORS[type(op)](first, second)
        case ast.Call(func=ast.Name(id="FILL"), args=[metric, filling]):
            inner = _value(metric, values)
            return _value(filling, values) if inner is None else inner
    raise ValueError(f"metric math: {ast.unparse(node)} is not supported here")
