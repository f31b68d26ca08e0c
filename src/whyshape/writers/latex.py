"""LaTeX: tables as booktabs sets them, formulas as mathematics, every special character escaped."""

from __future__ import annotations

from whyshape.story import Block, Code, Fix, Heading, Sentence, Shapes, Slide, Slots, Sum, Table
from whyshape.writers.plain import one_line

SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def escape(text: str) -> str:
    """Text in which nothing is a command; an arrow is an arrow.

    >>> print(escape("layer_1 & 50%: 28 -> 24"))
    layer\\_1 \\& 50\\%: 28 $\\to$ 24
    """
    return "".join(SPECIAL.get(c, c) for c in one_line(text)).replace(f" -{SPECIAL['>']} ", " $\\to$ ")


def write(blocks: list[Block]) -> str:
    """The story as LaTeX; it needs the packages booktabs and amsmath.

    >>> print(write([Sum("height", "28 - 5 + 1", "24")]))
    height: $28 - 5 + 1 = 24$
    """
    return "\n\n".join(part for part in map(_block, blocks) if part)


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"\\{'sub' * (min(level, 3) - 1)}section*{{{escape(text)}}}"
        case Sentence(text, mood):
            return escape(text) if mood in ("plain", "note") else f"\\textbf{{{mood}:}} {escape(text)}"
        case Sum(label, text, value, tree):
            body = formula(tree) if tree is not None else escape(text)
            return f"{escape(label) + ': ' if label else ''}${body} = {escape(value)}$"
        case Shapes(steps):
            return " $\\to$ ".join(escape(step) for step in steps)
        case Table(columns, rows, right):
            return table(columns, rows, right)
        case Slots(title, about, slots):
            items = [f"\\item[{escape(label)}] " + " \\newline ".join(map(escape, told)) for label, told in slots]
            told = ["\\begin{description}", *items, "\\end{description}"] if items else []  # LaTeX refuses an empty one
            return "\n".join([f"\\paragraph{{{escape(title)}}} {escape(about)}", *told])
        case Code(text):
            return "\\begin{quote}\\ttfamily " + "\\\\\n".join(escape(line) for line in text.split("\n")) + "\\end{quote}"
        case Fix(text, costs):
            return f"\\textbullet\\ {escape(text)}{f' ({escape(costs)})' if costs else ''}"
        case Slide():
            return ""
    raise TypeError(f"{type(block).__name__} is no block of the story")


def table(columns, rows, right=()) -> str:
    """A table between booktabs' rules, columns of numbers to the right.

    >>> print(table(("layer", "n"), [("conv_1", "24")], (1,)))
    \\begin{tabular}{lr}
    \\toprule
    layer & n \\\\
    \\midrule
    conv\\_1 & 24 \\\\
    \\bottomrule
    \\end{tabular}
    """
    line = lambda row: " & ".join(escape(cell) for cell in row) + r" \\"
    align = "".join("r" if i in right else "l" for i in range(len(columns)))
    return "\n".join(
        [f"\\begin{{tabular}}{{{align}}}", "\\toprule", line(columns), "\\midrule", *map(line, rows), "\\bottomrule", "\\end{tabular}"]
    )


STRENGTH = {"+": 1, "-": 1, "neg": 1, "*": 2, "%": 2}


def formula(tree, names: bool = False) -> str:
    """An expression tree (as `whyshape.sizes.tree` gives it) in LaTeX, with its numbers or, if asked, its names.

    >>> leaf = {"leaf": "height", "by": "input", "value": 28}
    >>> print(formula({"op": "//", "args": [{"op": "-", "args": [leaf, 5]}, 2]}))
    \\left\\lfloor \\frac{28 - 5}{2} \\right\\rfloor
    """
    return _formula(tree, names)[0]


def _formula(tree, names: bool) -> tuple[str, int]:
    if not isinstance(tree, dict):
        return (f"{tree:g}" if isinstance(tree, float) else str(tree)), (3 if tree >= 0 else 1)
    if "leaf" in tree:
        return (f"\\mathit{{{escape(tree['leaf'])}}}" if names else str(tree["value"])), 3
    op, args = tree["op"], tree["args"]
    text = lambda i: _formula(args[i], names)[0]

    def held(i: int, least: int) -> str:
        inner, strength = _formula(args[i], names)
        return inner if strength >= least else f"({inner})"

    if op in ("//", "ceil//"):
        way = "floor" if op == "//" else "ceil"
        return f"\\left\\l{way} \\frac{{{text(0)}}}{{{text(1)}}} \\right\\r{way}", 3
    if op in ("min", "max"):
        return f"\\{op}({', '.join(text(i) for i in range(len(args)))})", 3
    if op == "scale":
        return f"\\left\\lfloor {held(0, 2)} \\cdot {args[1]:.6g} \\right\\rfloor", 3
    if op == "neg":
        return f"-{held(0, 2)}", 1
    sign = {"*": " \\cdot ", "%": " \\bmod "}.get(op, f" {op} ")
    return f"{held(0, STRENGTH[op])}{sign}{held(1, STRENGTH[op] + (op in ('-', '%')))}", STRENGTH[op]
