"""Functions of a model, rewritten to the letter but for one thing: Python's operations are asked through `sizes.beside`.

``0.5 * h`` becomes ``Mult(0.5, h)``, ``table[h // 8]`` becomes ``item(table, h // 8)``, ``math.log2(h)`` becomes ``call(math.log2)(h)``.
Lines and names stay, so that whoever asks where a call was made gets the same answer. A function is rewritten only where its source is
at hand and compiles to the very code that is run.
"""

from __future__ import annotations
import __future__

import ast
import copy
import dis
import inspect
import linecache
from functools import lru_cache
from types import CodeType

from whyshape.sizes import beside

MARK = "\0whyshape"  # stands for the module `beside` among a code's constants, until it is put there
_LEFT_ALONE = frozenset(("super", "locals", "vars", "dir", "globals"))  # they look at the frame that calls them
_FUTURES = sum({getattr(__future__, name).compiler_flag for name in __future__.all_feature_names})


class _Rewriter(ast.NodeTransformer):
    """The tree of a function with every operation that may take a number out of a size handed to `beside`."""

    def __init__(self):
        self.kept = 0

    def told(self, name: str, args: list[ast.expr], at: ast.AST) -> ast.Call:
        act = ast.Attribute(ast.Constant(MARK), name, ast.Load())
        return ast.fix_missing_locations(ast.copy_location(ast.Call(act, args, []), at))

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.right, ast.Constant) or _whole(node.left):
            return node
        return self.told(type(node.op).__name__, [node.left, node.right], node)

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        if isinstance(node.value, ast.Constant):
            return node
        if isinstance(node.target, ast.Name):
            now = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
            made = self.told("I" + type(node.op).__name__, [now, node.value], node)
            return ast.copy_location(ast.Assign([node.target], made, lineno=node.lineno), node)
        node.value = self.told("taken", [node.value], node.value)  # what stands there is not known: a float takes what it gets
        return node

    def visit_Compare(self, node):
        self.generic_visit(node)
        if all(isinstance(op, (ast.Is, ast.IsNot)) for op in node.ops) or all(map(_plain, node.comparators)):
            return node
        left, found = node.left, []
        for i, (op, right) in enumerate(zip(node.ops, node.comparators)):
            kept = right
            if i < len(node.ops) - 1:  # a < b < c asks b once
                self.kept += 1
                name = f"_whyshape_{self.kept}"
                right = ast.copy_location(ast.NamedExpr(ast.Name(name, ast.Store()), right), node)
                kept = ast.Name(name, ast.Load())
            same = isinstance(op, (ast.Is, ast.IsNot))
            asked = ast.Compare(left, [op], [right]) if same else self.told(type(op).__name__, [left, right], node)
            found.append(ast.copy_location(asked, node))
            left = ast.copy_location(kept, node)
        return ast.fix_missing_locations(found[0] if len(found) == 1 else ast.copy_location(ast.BoolOp(ast.And(), found), node))

    def visit_Subscript(self, node):
        self.generic_visit(node)
        if _plain(node.slice):
            return node
        if isinstance(node.ctx, ast.Load):
            return self.told("item", [node.value, _as_value(node.slice)], node)
        node.value = self.told("shelf", [node.value], node.value)
        return node

    def visit_JoinedStr(self, node):
        self.generic_visit(node)
        parts: list[ast.expr] = []
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                how = ast.Constant(chr(value.conversion) if value.conversion > 0 else "")
                form = value.format_spec or ast.Constant("")
                parts.append(ast.Tuple([value.value, how, form], ast.Load()))
            else:
                parts.append(value)
        return self.told("text", parts, node)

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in _LEFT_ALONE:
            return node
        node.func = self.told("call", [node.func], node.func)
        return node

    # What is no expression that runs stays as it is.
    def visit_AnnAssign(self, node):
        node.target = self.visit(node.target)
        node.value = self.visit(node.value) if node.value else None
        return node

    def visit_arg(self, node):
        return node

    def visit_match_case(self, node):
        node.guard = self.visit(node.guard) if node.guard else None
        node.body = [self.visit(line) for line in node.body]
        return node


def _whole(node) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def _plain(node) -> bool:
    """Whether an expression is made of constants, and of none that would not ask a size it meets."""
    if isinstance(node, ast.Slice):
        return all(_plain(part) for part in (node.lower, node.upper, node.step) if part)
    if isinstance(node, ast.Tuple):
        return all(map(_plain, node.elts)) and not any(isinstance(n, ast.Constant) and type(n.value) is float for n in node.elts)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant))


def _as_value(node):
    """An index as an expression of its own: ``1:h`` is ``slice(1, h, None)``."""
    if isinstance(node, ast.Slice):
        parts = [part or ast.Constant(None) for part in (node.lower, node.upper, node.step)]
        made = ast.Call(ast.Attribute(ast.Constant(MARK), "slice", ast.Load()), parts, [])
        return ast.fix_missing_locations(ast.copy_location(made, node))
    if isinstance(node, ast.Tuple):
        return ast.copy_location(ast.Tuple([_as_value(n) for n in node.elts], ast.Load()), node)
    return node


def rewritten(code: CodeType) -> CodeType | None:
    """The code rewritten; None where its source is not at hand."""
    return _rewritten(code, code.co_filename)


@lru_cache(maxsize=4096)
def _rewritten(code: CodeType, _file: str) -> CodeType | None:  # code is equal to its copy in another file
    for node in _nodes(code):
        try:
            if _says(_made(code, node, _kind(code))) != _says(code):
                continue
            node = _Rewriter().visit(copy.deepcopy(node))
            made = _made(code, ast.fix_missing_locations(node), _kind(code))
        except (SyntaxError, ValueError, StopIteration):
            continue
        if made.co_freevars == code.co_freevars:
            return _with_constants(made).replace(co_name=code.co_name, co_firstlineno=code.co_firstlineno)
    return None


def _kind(code: CodeType) -> str:
    """The class whose private names the code uses, as it is named where the function was written."""
    outer = getattr(code, "co_qualname", "").split(".")[:-1]
    return outer[-1] if outer and outer[-1] != "<locals>" else ""


def _nodes(code: CodeType):
    """The functions in the source that may be this one."""
    lines = linecache.getlines(code.co_filename)
    if code.co_name != "<lambda>":
        block = lines[code.co_firstlineno - 1 :]
        try:
            block = inspect.getblock(block)
            tree = ast.parse(("class _:\n" if block[:1] and block[0][:1].isspace() else "\n") + "".join(block))
        except (SyntaxError, IndexError):
            return
        ast.increment_lineno(tree, code.co_firstlineno - 2)
        kinds, name = (ast.FunctionDef, ast.AsyncFunctionDef), code.co_name
        yield from [n for n in ast.walk(tree) if isinstance(n, kinds) and n.name == name][:1]
        return
    tree = _parsed(code.co_filename, "".join(lines))
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Lambda) and node.lineno <= code.co_firstlineno <= (node.end_lineno or 0):
            yield node


@lru_cache(maxsize=8)
def _parsed(file: str, text: str):
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


def _made(code: CodeType, node, kind: str) -> CodeType:
    """The node compiled as the function it was: in its class, its free variables those of a function around it."""
    if isinstance(node, ast.Lambda):
        lines: list[ast.stmt] = [ast.copy_location(ast.Expr(node), node)]
    else:
        lines = [_undecorated(node)]
    free = code.co_freevars
    if free:
        names = [ast.Assign([ast.Name(n, ast.Store())], ast.Constant(None)) for n in free]
        around = ast.parse("def around(): pass").body[0]
        around.body = [*names, *lines]  # type: ignore[attr-defined]
        lines = [around]
    if kind:
        lines = [ast.ClassDef(kind, [], [], lines, [])]
    tree = ast.fix_missing_locations(ast.Module(lines, []))
    whole = compile(tree, code.co_filename, "exec", flags=code.co_flags & _FUTURES, dont_inherit=True)
    for _ in range(bool(kind) + bool(free)):
        name = kind if whole.co_name == "<module>" and kind else "around"
        whole = next(c for c in whole.co_consts if isinstance(c, CodeType) and c.co_name == name)
    return next(c for c in whole.co_consts if isinstance(c, CodeType) and c.co_name == code.co_name)


def _undecorated(node):
    """The function alone, of the same body."""
    alone = copy.copy(node)
    alone.decorator_list = []
    return alone


# Of these another may stand there: how an attribute is called depends on what the rest of the file says of its owner.
_CALLED = bytes(
    dis.opmap[n]
    for n in ("CACHE", "EXTENDED_ARG", "PUSH_NULL", "LOAD_METHOD", "LOAD_ATTR", "PRECALL", "CALL", "CALL_METHOD")
    if n in dis.opmap
)


def _says(code: CodeType) -> tuple:
    """What a code does, as far as its source decides it."""
    constants = [_says(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return (
        code.co_code[::2].translate(None, _CALLED),
        constants,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_flags & ~inspect.CO_NESTED,
    )


def _with_constants(code: CodeType) -> CodeType:
    """The code with `beside` where its mark stands, in the functions inside it too."""
    put = lambda c: beside if c == MARK else _with_constants(c) if isinstance(c, CodeType) else c
    return code.replace(co_consts=tuple(map(put, code.co_consts)))


__all__ = ["rewritten"]
