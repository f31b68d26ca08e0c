"""An expression as a tree for programs, and as one line of text with its numbers put in."""

from __future__ import annotations

from typing import Any

from whyshape.sizes.expr import Leaf, Size, ceil_div, largest, scaled, smallest

# Binding strength, loosest first: what needs brackets inside what.
STRENGTH = {"+": 1, "-": 1, "neg": 1, "*": 2, "%": 2}
BINARY = {"+": " + ", "-": " - ", "*": "*", "%": " mod "}


class Formula:
    """A size's expression, printable with numbers (`str`) or with names (`names`).

    >>> from whyshape.sizes.expr import leaf
    >>> Formula(leaf(20, "maps") * leaf(4, "height"))
    20*4
    >>> Formula(leaf(20, "maps") * leaf(4, "height")).names()
    'maps*height'
    """

    def __init__(self, size: int):
        self.size = size

    def __str__(self):
        return write(self.size, lambda leaf: str(int(leaf)))

    __repr__ = __str__

    def names(self) -> str:
        """The expression in words: each leaf by its name."""
        return write(self.size, lambda size: size.leaf.name)

    def tree(self) -> Any:
        """The expression as JSON: see `tree`."""
        return tree(self.size)


def write(size, name) -> str:
    """One line of text; ``name`` writes a leaf. A bracket inside a product is set tight: ``2*(5-1)``."""
    return _write(size, name)[0]


def _bracket(size, name, loosest: int) -> str:
    """The text of an operand, in brackets where it binds more loosely than ``loosest``."""
    text, strength = _write(size, name)
    return text if strength >= loosest else f"({text.replace(' ', '')})"


def _write(size, name) -> tuple[str, int]:
    if not isinstance(size, Size):
        return (str(size), 3) if isinstance(size, float) or size >= 0 else (str(size), 1)
    if size.op == "leaf":
        text = name(size)
        return text, 1 if text.startswith("-") else 3
    if size.op in ("//", "ceil//"):
        word = "floor" if size.op == "//" else "ceil"
        above, strength = _write(size.args[0], name)
        return f"{word}({above if strength >= 3 else f'({above})'}/{_bracket(size.args[1], name, 3)})", 3
    if size.op in ("min", "max"):
        return f"{size.op}({', '.join(_write(a, name)[0] for a in size.args)})", 3
    if size.op == "scale":
        return f"floor({_bracket(size.args[0], name, 2)}*{size.args[1]:.6g})", 3
    if size.op == "neg":
        return f"-{_bracket(size.args[0], name, 2)}", 1
    strength = STRENGTH[size.op]
    left = _bracket(size.args[0], name, strength)
    right = _bracket(size.args[1], name, strength + (size.op in ("-", "%")))
    if right.startswith("-"):
        right = f"({right})"
    return f"{left}{BINARY[size.op]}{right}", strength


def tree(size) -> Any:
    """The expression as JSON data: an int, ``{"leaf": name, "by": .., "value": ..}`` or ``{"op": .., "args": [..], "value": ..}``."""
    if not isinstance(size, Size):
        return size
    if size.op == "leaf":
        at: Leaf = size.leaf  # type: ignore[assignment]
        data = {"leaf": at.name, "by": at.by, "value": int(size)}
        if at.ref is not None:
            data["ref"] = list(at.ref)
        return data
    return {"op": size.op, "args": [tree(a) for a in size.args], "value": int(size)}


APPLY: dict[str, Any] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "ceil//": ceil_div,
    "min": smallest,
    "max": largest,
    "neg": lambda a: -a,
    "scale": scaled,
}


def untree(data, at) -> int:
    """The size that ``tree`` wrote, with each leaf answered by ``at(leaf_data)``."""
    if isinstance(data, (int, float)):
        return data  # type: ignore[return-value]
    if "leaf" in data:
        return at(data)
    return APPLY[data["op"]](*(untree(a, at) for a in data["args"]))


def substitute(size, at, memo=None):
    """The same expression with each leaf replaced by ``at(leaf_size)``; shared parts stay shared."""
    if not isinstance(size, Size):
        return size
    memo = {} if memo is None else memo
    # An explicit stack: expressions of deep networks are deeper than Python's recursion.
    stack = [size]
    while stack:
        top = stack[-1]
        if id(top) in memo:
            stack.pop()
        elif top.op == "leaf":
            memo[id(top)] = at(top)
            stack.pop()
        else:
            todo = [a for a in top.args if isinstance(a, Size) and id(a) not in memo]
            if todo:
                stack.extend(todo)
            else:
                memo[id(top)] = APPLY[top.op](*(memo[id(a)] if isinstance(a, Size) else a for a in top.args))
                stack.pop()
    return memo[id(size)]


def leaves(size) -> list[Size]:
    """The numbers an expression rests on, each once, from left to right."""
    found, seen, stack = [], set(), [size]
    while stack:
        top = stack.pop()
        if not isinstance(top, Size) or id(top) in seen:
            continue
        seen.add(id(top))
        if top.op == "leaf":
            found.append(top)
        else:
            stack.extend(reversed(top.args))
    return found


__all__ = ["APPLY", "Formula", "leaves", "substitute", "tree", "untree", "write"]
