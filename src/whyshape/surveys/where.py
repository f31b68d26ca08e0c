"""``--where "macs < 5e9 and not 'vit' in name"``: a condition on a row, read as syntax and never run as code.

Three answers: True, False, and None where a number is not known. "At least 4e9" is above 3e9 for certain, and may or may not be below 5e9.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from whyshape.analyses.amount import Amount
from whyshape.errors import WhyshapeError

LONGEST, DEEPEST = 2000, 40
_COMPARE: dict[type, tuple[str, Callable]] = {
    ast.Lt: ("<", operator.lt), ast.LtE: ("<=", operator.le), ast.Gt: (">", operator.gt), ast.GtE: (">=", operator.ge),
    ast.Eq: ("==", operator.eq), ast.NotEq: ("!=", operator.ne), ast.In: ("in", lambda a, b: a in b), ast.NotIn: ("not in", lambda a, b: a not in b),
}  # fmt: skip
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Where:
    """A condition over columns.

    >>> fits = Where("macs < 5e9 and 'resnet' in name", ("name", "macs"))
    >>> fits({"name": "resnet50", "macs": 4089184256}), fits({"name": "vgg16", "macs": None}), fits({"name": "resnet0", "macs": None})
    (True, False, None)
    """

    def __init__(self, text: str, columns: tuple[str, ...]):
        self.text, self.columns = text, columns
        self.names: list[str] = []  # the columns it asks about
        if len(text) > LONGEST:
            raise WhyshapeError(f"the condition has {len(text)} characters; up to {LONGEST} are read")
        try:
            self.tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise WhyshapeError(f"the condition {text!r} cannot be read; write it as macs < 5e9 and 'resnet' in name") from None
        if deeper(self.tree, DEEPEST):
            raise WhyshapeError(f"the condition is nested deeper than {DEEPEST}")
        self._check(self.tree)

    def __call__(self, row: Mapping[str, Any]) -> bool | None:
        """Whether the row fits; None where a number that it depends on is not known."""
        return self._truth(self.tree, row)

    def _check(self, node: ast.expr) -> None:
        match node:
            case ast.BoolOp(values=values):
                for value in values:
                    self._check(value)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._check(operand)
            case ast.Compare(left=left, ops=ops, comparators=rights):
                for a, op, b in zip([left, *rights], ops, rights):
                    self._check_pair(a, op, b)
            case _:
                raise self._no(node, "compares nothing")

    def _check_pair(self, a: ast.expr, op: ast.cmpop, b: ast.expr) -> None:
        if type(op) not in _COMPARE:
            raise self._no(b, "is compared by a word that is not known here; known are < <= > >= == != in, not in")
        kinds = [self._kind(side) for side in (a, b)]
        if isinstance(op, (ast.In, ast.NotIn)):
            fits = (kinds[1] == "text" and kinds[0] == "text") or (isinstance(b, (ast.Tuple, ast.List)) and kinds[0] == kinds[1])
        else:
            fits = kinds[0] == kinds[1] and not any(isinstance(side, (ast.Tuple, ast.List)) for side in (a, b))
        if not fits:
            raise self._no(a, f"and {ast.unparse(b)} cannot be compared by {_COMPARE[type(op)][0]}: {kinds[0]} and {kinds[1]}")

    def _kind(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=bool()):
                pass
            case ast.Constant(value=int() | float()):
                return "a number"
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
                return "a number"
            case ast.Constant(value=str()):
                return "text"
            case ast.Name(id=name) if name in self.columns:
                self.names.append(name)
                return "text" if name in TEXTS else "a number"
            case ast.Name(id=name):
                raise WhyshapeError(f"the condition asks about {name!r}; columns are {', '.join(self.columns)}")
            case ast.Tuple(elts=parts) | ast.List(elts=parts) if parts and all(isinstance(p, ast.Constant) for p in parts):
                kinds = {self._kind(part) for part in parts}
                if len(kinds) == 1:
                    return kinds.pop()
        raise self._no(node, "is no column, number or text")

    def _no(self, node: ast.expr, why: str) -> WhyshapeError:
        return WhyshapeError(f"the condition {self.text!r} is not understood: {ast.unparse(node)} {why}")

    def _truth(self, node: ast.expr, row) -> bool | None:
        match node:
            case ast.BoolOp(op=op, values=values):
                told = [self._truth(value, row) for value in values]
                decides = isinstance(op, ast.Or)
                return decides if decides in told else None if None in told else not decides
            case ast.UnaryOp(operand=operand):
                found = self._truth(operand, row)
                return None if found is None else not found
            case ast.Compare(left=left, ops=ops, comparators=rights):
                told = [compared(self._value(a, row), type(op), self._value(b, row)) for a, op, b in zip([left, *rights], ops, rights)]
                return False if False in told else None if None in told else True
        raise AssertionError(ast.dump(node))

    def _value(self, node: ast.expr, row):
        return row[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node)


TEXTS = ("name", "output", "input", "source", "problem")  # columns that are text; all others are numbers


def compared(a, op: type, b) -> bool | None:
    """One comparison; None where what is not known decides it.

    >>> compared(Amount(4, ("nms",)), ast.Gt, 3), compared(Amount(4, ("nms",)), ast.Lt, 5), compared(None, ast.Lt, 5)
    (True, None, None)
    """
    word, holds = _COMPARE[op]
    a, b = (
        None if isinstance(v, Amount) and v.value is None else int(v.value) if isinstance(v, Amount) and not v.missing else v
        for v in (a, b)
    )
    if a is None or b is None:
        return None
    if isinstance(a, Amount) and isinstance(b, Amount):
        return None
    if isinstance(b, Amount):
        return compared(b, _BY_WORD[_MIRRORED.get(word, word)], a) if word not in ("in", "not in") else None
    if isinstance(a, Amount):  # at least a.value
        least = int(a.value)  # type: ignore[arg-type]
        if word in (">", ">="):
            return True if holds(least, b) else None
        if word in ("<", "<="):
            return None if holds(least, b) else False
        if isinstance(b, (tuple, list)):
            return (word == "not in") if all(least > n for n in b) else None
        return (word == "!=") if least > b else None
    return holds(a, b)


def deeper(tree: ast.AST, most: int) -> bool:
    """Whether a tree is nested deeper than this; no recursion, for that is what it guards."""
    level = [tree]
    for _ in range(most):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return bool(level)


_BY_WORD = {word: op for op, (word, _) in _COMPARE.items()}

__all__ = ["TEXTS", "Where", "compared"]
