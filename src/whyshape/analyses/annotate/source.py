"""A source file as lines that may bear a comment: where each statement ends, what it binds, and the file with other comments."""

from __future__ import annotations

import ast
import io
import os
import re
import shutil
import tempfile
import tokenize
import types
from typing import Any, NamedTuple

from whyshape.errors import WhyshapeError

WIDEST = 120  # columns of a line with its comment
_BINDS = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Expr)
_WAITS = (ast.Yield, ast.YieldFrom, ast.Await)


class Logical(NamedTuple):
    """A line as Python counts them: from its first row to the row where it ends, the only one that can bear a comment."""

    first: tuple[int, int]
    row: int
    code: int  # columns of that row up to where its code ends
    comment: str


class Statement:
    """A statement that gives something, alone on its line. Compared by identity: one for each place in the file."""

    def __init__(self, node: ast.stmt, line: Logical):
        self.node, self.line = node, line
        self.returns = isinstance(node, ast.Return)
        self.targets = targets(node)

    def values(self, names: dict[str, Any]) -> list:
        """What its targets hold, in a function whose local names are these."""
        return [held(target, names) for target in self.targets]


class Source:
    """One file of the user's, read as Python reads it."""

    def __init__(self, path: str):
        self.path = path
        try:
            with open(path, "rb") as file:
                self.raw = file.read()
            self.encoding = tokenize.detect_encoding(io.BytesIO(self.raw).readline)[0]
            text = self.raw.decode(self.encoding)
            if re.search(r"\r(?!\n)", text):
                raise WhyshapeError(f"{path} ends a line with a carriage return alone; annotate knows lines that end in \\n or \\r\\n")
            self.lines = re.findall(r"[^\n]*\n|[^\n]+", text)
            self.tree = ast.parse(self.raw, path)
            logical = logical_lines(self.lines)
        except OSError as error:
            raise WhyshapeError(f"{path} cannot be read: {error.strerror}") from None
        except (SyntaxError, UnicodeError, tokenize.TokenError) as error:
            raise WhyshapeError(f"{path} is no Python that can be read: {error}") from None
        self.statements = statements(self.tree, logical)
        self._at = {row: s for s in self.statements for row in range(s.line.first[0], s.line.row + 1)}

    def at(self, row: int) -> Statement | None:
        """The statement that stands on this row."""
        return self._at.get(row)

    def holds(self, code: types.CodeType) -> bool:
        """Whether this function, as it ran, is what the file says now."""
        if not hasattr(self, "_codes"):
            self._codes: set[types.CodeType] = set()
            stack = [compile(self.raw, self.path, "exec", dont_inherit=True)]
            while stack:
                top = stack.pop()
                self._codes.add(top)
                stack += [c for c in top.co_consts if isinstance(c, types.CodeType)]
        return code in self._codes

    def blocks(self, rows: set[int]) -> list[tuple[int, int]]:
        """First and last row of every class and function at the top of the file that holds one of these rows."""
        found = []
        for node in self.tree.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                first, last = min([node.lineno, *[d.lineno for d in node.decorator_list]]), node.end_lineno or node.lineno
                if any(first <= row <= last for row in rows):
                    found.append((first, last))
        return found

    def put(self, comments: dict[int, str]) -> str:
        """The text of the file with these comments (empty: none) at the end of these rows."""
        lines = list(self.lines)
        for s in self.statements:
            if s.line.row in comments and comments[s.line.row] != s.line.comment:
                lines[s.line.row - 1] = with_comment(lines[s.line.row - 1], s.line.code, comments[s.line.row])
        return "".join(lines)

    def write(self, text: str) -> None:
        """Replace the file by this text, all of it or nothing; mode, encoding and line ends stay."""
        if os.path.islink(self.path):
            raise WhyshapeError(f"{self.path} is a link; name the file itself")
        if ast.dump(ast.parse(text.encode(self.encoding))) != ast.dump(self.tree):
            raise WhyshapeError(f"{self.path} would no longer be the same program; nothing was written")
        folder, name = os.path.split(os.path.abspath(self.path))
        fresh = ""
        try:
            with open(self.path, "rb") as file:
                if file.read() != self.raw:
                    raise WhyshapeError(f"{self.path} was changed while it was being annotated; nothing was written")
            if not os.access(self.path, os.W_OK):
                raise WhyshapeError(f"{self.path} may not be written")
            handle, fresh = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode(self.encoding))
                file.flush()
                os.fsync(file.fileno())
            shutil.copymode(self.path, fresh)
            os.replace(fresh, self.path)
            fresh = ""
        except OSError as error:
            raise WhyshapeError(f"{self.path} cannot be written: {error.strerror}") from None
        finally:
            if fresh:
                os.unlink(fresh)


def with_comment(line: str, code: int, comment: str) -> str:
    """A row with another comment behind its code, its line end kept."""
    end = line[len(line.rstrip("\r\n")) :]
    return line[:code] + (f"  {comment}" if comment else "") + end


def logical_lines(lines: list[str]) -> list[Logical]:
    """Every logical line of a file.

    >>> logical_lines(["x = f(\\n", "    a)  # why\\n"])
    [Logical(first=(1, 0), row=2, code=6, comment='# why')]
    """
    rows = iter(lines)
    found: list[Logical] = []
    first, code, comment = None, (0, 0), ""
    for token in tokenize.generate_tokens(lambda: next(rows, "")):
        if token.type == tokenize.NEWLINE:
            if first is not None:
                found.append(Logical(first, token.start[0], code[1] if code[0] == token.start[0] else 0, comment))
            first, comment = None, ""
        elif token.type == tokenize.COMMENT:
            comment = token.string
        elif token.type == tokenize.NL:
            comment = ""
        elif token.type not in (tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
            first, code = first or token.start, token.end
    return found


def statements(tree: ast.AST, logical: list[Logical]) -> list[Statement]:
    """The statements that give something and share their line with no other: only there is it clear what a comment speaks of."""
    by_start = {line.first: line for line in logical}
    of_row = {row: line for line in logical for row in range(line.first[0], line.row + 1)}
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.stmt)]
    count: dict[Logical, int] = {}
    for node in nodes:
        line = of_row[node.lineno]
        count[line] = count.get(line, 0) + 1
    found = []
    for node in nodes:
        line = by_start.get((node.lineno, node.col_offset))
        if isinstance(node, _BINDS) and line is not None and count[line] == 1 and line.code:
            found.append(Statement(node, line))
    return sorted(found, key=lambda s: s.line.row)


def targets(node: ast.stmt) -> tuple[ast.expr, ...]:
    """What a statement binds, as far as it can be looked up afterwards without running anything."""
    if any(isinstance(n, _WAITS) for n in ast.walk(node)):
        return ()  # it is left and entered again before it is done
    if isinstance(node, ast.Assign):
        return tuple(flat(node.targets[0]))
    if isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        return tuple(flat(node.target))
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        method, of = node.value.func.attr, node.value.func.value
        if isinstance(of, ast.Name) and method == "append":
            return (ast.Subscript(of, ast.Constant(-1), ast.Load()),)
        if isinstance(of, ast.Name) and method.endswith("_") and not method.endswith("__"):
            return (of,)  # x.squeeze_(1)
    return ()


def flat(target: ast.expr) -> list[ast.expr]:
    """``a, (b, *c)`` as a, b, c; a name that says it is not wanted is left out."""
    if isinstance(target, (ast.Tuple, ast.List)):
        return [t for part in target.elts for t in flat(part)]
    if isinstance(target, ast.Starred):
        return flat(target.value)
    return [] if isinstance(target, ast.Name) and target.id == "_" else [target]


def held(target: ast.expr, names: dict[str, Any]) -> Any:
    """What a target holds: a local name, ``self.h``, ``found[-1]``; None where looking it up could run code."""
    if isinstance(target, ast.Name):
        return names.get(target.id)
    if not isinstance(target, (ast.Attribute, ast.Subscript)) or not isinstance(target.value, ast.Name):
        return None
    of = names.get(target.value.id)
    if isinstance(target, ast.Attribute):
        fields = getattr(of, "__dict__", {})
        tables = [fields, *[fields.get(name) or {} for name in ("_buffers", "_parameters")]]
        return next((table[target.attr] for table in tables if target.attr in table), None)
    try:
        key = names.get(target.slice.id) if isinstance(target.slice, ast.Name) else ast.literal_eval(target.slice)
        return of[key] if type(of) in (list, dict) and type(key) in (int, str) else None
    except (ValueError, LookupError, TypeError):
        return None


__all__ = ["WIDEST", "Source", "Statement", "with_comment"]
