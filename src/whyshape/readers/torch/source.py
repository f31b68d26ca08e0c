"""A corrected line of a model's own code, compiled into a method that takes the old one's place on a copy."""

from __future__ import annotations

import ast
import copy
import linecache
import types
import warnings
from collections.abc import Iterable
from functools import lru_cache

CALLED = 3  # functions beside the class that are followed, one called by the other


def rewrite(modules: Iterable, edits: list[dict]) -> list[tuple]:
    """For every module whose methods lead to lines ``at``: (module, the method's name, the method with all of them corrected, the edits).

    The lines may stand in a method, in a function that a module holds (``self.act = lambda x: ...``), or in one beside the class
    that a method calls.
    """
    found: list[tuple] = []
    made: dict[type, list[tuple]] = {}  # a type's methods that lead there, asked once for all modules of the type
    for module in modules:
        kind = type(module)
        if kind not in made:
            made[kind] = [(name, *led) for name, f in _methods(kind) if (led := _led(f, edits))[0] is not None]
        found += [(module, name, types.MethodType(new, module), mine) for name, new, mine in made[kind]]
        held = [(name, f) for name, f in vars(module).items() if isinstance(f, types.FunctionType)]
        found += [(module, name, *led) for name, f in held if (led := _led(f, edits))[0] is not None]
    return found


def _methods(kind: type) -> Iterable[tuple[str, types.FunctionType]]:
    """The methods of a type by name, its own and those it has from others."""
    for cls in kind.__mro__:
        for name, function in vars(cls).items():
            if isinstance(function, types.FunctionType) and getattr(kind, name, None) is function:
                yield name, function


def _led(function: types.FunctionType, edits: list[dict], depth: int = CALLED) -> tuple[types.FunctionType | None, list[dict]]:
    """The function with its lines corrected, or with globals in which the functions it calls are; and the edits that were made."""
    mine = [e for e in edits if _holds(function.__code__, e["at"])]
    if mine or not depth or function.__code__.co_filename not in {e["at"].rpartition(":")[0] for e in edits}:
        return (corrected(function, mine) if mine else None), mine
    changed, made = {}, []
    for name in function.__code__.co_names:
        beside = function.__globals__.get(name)
        if isinstance(beside, types.FunctionType):
            new, held = _led(beside, edits, depth - 1)
            if new is not None:
                changed[name] = new
                made += held
    if not changed:
        return None, []
    return _with_globals(function, changed), made


def _with_globals(function: types.FunctionType, changed: dict) -> types.FunctionType:
    new = types.FunctionType(
        function.__code__, {**function.__globals__, **changed}, function.__name__, function.__defaults__, function.__closure__
    )
    new.__kwdefaults__ = function.__kwdefaults__
    return new


def _holds(code, at: str) -> bool:
    file, _, number = at.rpartition(":")
    if code.co_filename != file:
        return False
    line = int(number)
    lines = [n for _, _, n in code.co_lines() if n]
    return bool(lines) and code.co_firstlineno <= line <= max(lines)


def corrected(function: types.FunctionType, edits: list[dict]) -> types.FunctionType | None:
    """The function with each expression ``old`` on its line replaced by ``new``; None where its source does not hold one of them."""
    tree = copy.deepcopy(tree_of(function.__code__) or lambda_of(function.__code__))  # the file's own is shared
    if tree is None:
        return None
    for e in edits:
        old, new = (ast.parse(e[side], mode="eval").body for side in ("old", "new"))
        swap = _Swap(int(e["at"].rpartition(":")[2]), ast.dump(old), new)
        tree = swap.visit(tree)
        if not swap.done:
            return None
    free = function.__code__.co_freevars
    definition: ast.stmt
    if isinstance(tree, ast.Lambda):
        definition = ast.Expr(tree)
    else:
        definition = tree
        definition.decorator_list = []
    # The names it closes over (`__class__` of a bare super() among them) become arguments of a function around it.
    outer = ast.FunctionDef("outer", ast.arguments([], [ast.arg(n) for n in free], None, [], [], None, []), [definition], [], None, None)
    outer.type_params = []  # type: ignore[attr-defined]
    module = ast.fix_missing_locations(ast.Module([ast.copy_location(outer, tree)], []))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a line not yet tried looks like to Python is no news for the user
        whole = compile(module, function.__code__.co_filename, "exec")
    code = _inner(_inner(whole, "outer"), function.__code__.co_name)
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


def lambda_of(code) -> ast.Lambda | None:
    """The syntax tree of a lambda; None where several with the same arguments begin on its line."""
    names = list(code.co_varnames[: code.co_argcount])
    found = [
        node
        for node in ast.walk(file_tree(code.co_filename) or ast.Module([], []))
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno and [a.arg for a in node.args.args] == names
    ]
    return found[0] if code.co_name == "<lambda>" and len(found) == 1 else None


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
