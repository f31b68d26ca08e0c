"""The model's own lines, read and rewritten: the calls on them, what each is given, and an edit that replaces one expression."""

from __future__ import annotations

import ast
import builtins
import linecache
import os
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from whyshape.analyses.diagnose.case import Case, Offer

RESIZE = "torch.nn.functional.interpolate"
MODULES = ("torch", "F", "functional", "nn.functional", "torch.nn.functional")  # what people call PyTorch's functions on


def line_edit(file: str, line: int, old: ast.expr, new: str, says: str, cost: float) -> Offer:
    """Replace one expression on a line; the fix shows the corrected line."""
    corrected = shown(file, old, new)
    edit = {"forward": f"{says}: {corrected}", "at": f"{file}:{line}", "old": ast.unparse(old), "new": new}
    return Offer((edit,), cost, f"{os.path.basename(file)}:{line}: {corrected}")


def shown(file: str, old: ast.expr, new: str) -> str:
    """The source line, or lines where the expression spans several, with the expression replaced."""
    lines = [line.encode() for line in linecache.getlines(file)[old.lineno - 1 : old.end_lineno]]  # columns are counted in bytes
    if not lines:
        return new
    corrected = (lines[0][: old.col_offset] + new.encode() + lines[-1][old.end_col_offset :]).decode()
    return " ".join(corrected.split())


def expressions(file: str, line: int, kind) -> list:
    """The expressions of a kind that stand on that line, the innermost first."""
    text = "".join(linecache.getlines(file)) if file else ""  # a notebook's cell has lines and no file
    return [n for n in standing(text, line) if isinstance(n, kind)]


@lru_cache(maxsize=64)
def standing(text: str, line: int) -> tuple[ast.expr, ...]:
    """All expressions on a line of a file, the innermost first. They are shared: nobody may change them."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    found = [n for n in ast.walk(tree) if isinstance(n, ast.expr) and n.lineno <= line <= (n.end_lineno or n.lineno)]
    return tuple(sorted(found, key=lambda n: len(ast.unparse(n))))


def enclosing(file: str, line: int) -> ast.FunctionDef | None:
    """The innermost function around a line."""
    found = [f for f in functions("".join(linecache.getlines(file))) if f.lineno <= line <= (f.end_lineno or f.lineno)]
    return max(found, key=lambda f: f.lineno, default=None)


@lru_cache(maxsize=8)
def functions(text: str) -> tuple[ast.FunctionDef, ...]:
    """The functions of a file."""
    return tuple(n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef))


def calls(file: str, line: int, op: str) -> list[tuple[ast.Call, ast.expr, list[ast.expr]]]:
    """The calls of an operator on a line: the call, what it is applied to, its other arguments."""
    name = op.rpartition(".")[2]
    found = []
    for call in expressions(file, line, ast.Call):
        f = call.func
        if isinstance(f, ast.Attribute) and f.attr == name:
            if ast.unparse(f.value) in MODULES and call.args:
                found.append((call, call.args[0], call.args[1:]))
            else:
                found.append((call, f.value, call.args))
    return found


def atom(part: ast.expr) -> str:
    """The text of an expression, in brackets where a method could not be called on it otherwise.

    >>> atom(ast.parse("a + b", mode="eval").body)
    '(a + b)'
    """
    text = ast.unparse(part)
    return text if isinstance(part, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)) else f"({text})"


class Operand(NamedTuple):
    """A tensor that the refused operation was given, and the expression that gave it."""

    whole: ast.expr  # the operation: a call, or two sides of an operator
    part: ast.expr
    tensor: int
    shape: tuple[int, ...]

    @property
    def text(self) -> str:
        """The expression, so that something can be called on it."""
        return atom(self.part)

    def instead(self, case: Case, new: str, says: str, cost: float) -> Offer:
        """The operation with this operand written otherwise."""
        return line_edit(case.problem.file, case.problem.line, self.whole, replaced(self.whole, (self.part, new)), says, cost)


def operands(case: Case) -> list[Operand]:
    """The tensors the refused operation was given, with their expressions on its line; empty where they cannot be told apart."""
    p = case.problem
    given = list(p.args)
    for call, on, rest in calls(p.file, p.line, p.op):
        parts = [on, *rest]
        found = list(_paired(case, call, parts, given))
        if found:
            return found
    if len(given) == 2:
        for operation in expressions(p.file, p.line, ast.BinOp):
            found = list(_paired(case, operation, [operation.left, operation.right], given))
            if len(found) == 2:
                return found
    return []


def _paired(case: Case, whole: ast.expr, parts: list[ast.expr], given: list) -> Iterator[Operand]:
    for part, value in zip(parts, given):
        if isinstance(value, (list, tuple)) and isinstance(part, (ast.List, ast.Tuple)) and len(value) == len(part.elts):
            yield from _paired(case, whole, part.elts, list(value))
        elif type(value).__name__ == "Ref":
            yield Operand(whole, part, value.tensor, case.graph.tensors[value.tensor].shape)


def replaced(whole: ast.expr, *changes: tuple[ast.expr, str]) -> str:
    """The text of an expression with some of its parts written otherwise.

    >>> call = ast.parse("cat([a, b], 0)", mode="eval").body
    >>> replaced(call, (call.args[1], "1"))
    'cat([a, b], 1)'
    """
    new = {id(part): ast.parse(text, mode="eval").body for part, text in changes}
    copies: dict[int, ast.AST] = {}

    class Swap(ast.NodeTransformer):
        def visit(self, node):
            return copies[id(node)] if id(node) in copies else self.generic_visit(node)

    kept = ast.parse(ast.unparse(whole), mode="eval").body  # a copy: the tree of the file stays as it is
    for old, copy in zip(ast.walk(whole), ast.walk(kept)):
        if id(old) in new:
            copies[id(copy)] = new[id(old)]
    return ast.unparse(Swap().visit(kept))


def call_of_layer(case: Case) -> ast.Call | None:
    """The call of the refusing layer, or of the function itself, on the line it stopped at."""
    return call_at(case.problem)


def call_at(place) -> ast.Call | None:
    """The call of the layer, or of the function itself, on the line of a node or of a problem."""
    names = {n for n in place.path.split(".") if n}
    for call in expressions(place.file, place.line, ast.Call):
        f = call.func
        if ((isinstance(f, ast.Attribute) and f.attr in names) or isinstance(f, ast.Subscript)) and call.args:
            return call
    own = next((call for call, _, _ in calls(place.file, place.line, place.op) if call.args), None)
    if own is None and names:  # `for conv in self.convs: conv(x)`
        named = [c for c in expressions(place.file, place.line, ast.Call) if isinstance(c.func, ast.Name) and c.args]
        own = next((c for c in named if not hasattr(builtins, c.func.id)), None)
    return own


__all__ = [
    "RESIZE",
    "Operand",
    "atom",
    "call_at",
    "call_of_layer",
    "calls",
    "enclosing",
    "expressions",
    "line_edit",
    "operands",
    "replaced",
]
