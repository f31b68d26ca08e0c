"""A corrected line of a model's own code, compiled into a method that takes the old one's place on a copy."""

from __future__ import annotations

import ast
import copy
import linecache
import types
from collections.abc import Iterable
from functools import lru_cache


def rewrite(modules: Iterable, edits: list[dict]) -> list[tuple]:
    """For every module whose method holds lines ``at``: (module, the method's name, the method with all of them corrected, the edits)."""
    found, made = [], {}
    for module in modules:
        for cls in type(module).__mro__:
            for name, function in vars(cls).items():
                if not isinstance(function, types.FunctionType) or getattr(type(module), name, None) is not function:
                    continue
                if function not in made:
                    mine = [e for e in edits if _holds(function.__code__, e["at"])]
                    made[function] = (corrected(function, mine) if mine else None), mine
                new, mine = made[function]
                if new is not None:
                    found.append((module, name, types.MethodType(new, module), mine))
    return found


def _holds(code, at: str) -> bool:
    file, _, number = at.rpartition(":")
    if code.co_filename != file:
        return False
    line = int(number)
    lines = [n for _, _, n in code.co_lines() if n]
    return bool(lines) and code.co_firstlineno <= line <= max(lines)


def corrected(function: types.FunctionType, edits: list[dict]) -> types.FunctionType | None:
    """The function with each expression ``old`` on its line replaced by ``new``; None where its source does not hold one of them."""
    tree = copy.deepcopy(tree_of(function.__code__))  # the file's own is shared
    if tree is None:
        return None
    for e in edits:
        old, new = (ast.parse(e[side], mode="eval").body for side in ("old", "new"))
        swap = _Swap(int(e["at"].rpartition(":")[2]), ast.dump(old), new)
        tree = swap.visit(tree)
        if not swap.done:
            return None
    definition = tree
    free = function.__code__.co_freevars
    definition.decorator_list = []
    # The names it closes over (`__class__` of a bare super() among them) become arguments of a function around it.
    outer = ast.FunctionDef("outer", ast.arguments([], [ast.arg(n) for n in free], None, [], [], None, []), [definition], [], None, None)
    outer.type_params = []  # type: ignore[attr-defined]
    module = ast.fix_missing_locations(ast.Module([ast.copy_location(outer, definition)], []))
    code = _inner(_inner(compile(module, function.__code__.co_filename, "exec"), "outer"), definition.name)
    cells = dict(zip(free, function.__closure__ or ()))
    made = types.FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, tuple(cells[n] for n in code.co_freevars)
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def _inner(code, name: str):
    return next(c for c in code.co_consts if isinstance(c, types.CodeType) and c.co_name == name)


def tree_of(code) -> ast.FunctionDef | None:
    """The syntax tree of a function, its lines numbered as in its file; None without source."""
    for node in ast.walk(file_tree(code.co_filename) or ast.Module([], [])):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *[d.lineno for d in node.decorator_list]])
            if first == code.co_firstlineno:
                return node
    return None


def file_tree(file: str):
    return _parsed("".join(linecache.getlines(file)))


@lru_cache(maxsize=8)
def _parsed(text: str):
    """A file's tree, shared by all who ask: nobody may change it."""
    try:
        return ast.parse(text) if text else None
    except SyntaxError:
        return None


class _Swap(ast.NodeTransformer):
    """Replaces the expression that says the same as ``wanted`` on that line, once."""

    def __init__(self, line: int, wanted: str, new: ast.expr):
        self.line, self.wanted, self.new, self.done = line, wanted, new, False

    def visit(self, node):
        here = isinstance(node, ast.expr) and node.lineno <= self.line <= (node.end_lineno or node.lineno)
        if not self.done and here and ast.dump(node) == self.wanted:
            self.done = True
            return ast.copy_location(self.new, node)
        return self.generic_visit(node)


__all__ = ["corrected", "rewrite", "tree_of"]
