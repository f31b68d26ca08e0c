"""Text for a terminal: plain, or coloured by rich where it is installed and wanted."""

from __future__ import annotations

import os
import sys
import textwrap

from whyshape.story import Block, Code, Fix, Heading, Sentence, Shapes, Slide, Slots, Sum, Table
from whyshape.writers.plain import one_line, safe

LABEL = 9  # the width of SIZE, MAPS, WEIGHTS, NOTE, IN KERAS, IN TORCH


def width_of_screen() -> int:
    """The columns there are, at least 60, at most 140."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        columns = int(told)
    else:
        try:
            columns = os.get_terminal_size().columns
        except OSError:  # no terminal
            columns = 100
    return max(60, min(140, columns))


def write(blocks: list[Block], width: int | None = None) -> str:
    """The story as plain text.

    >>> print(write([Shapes(("1x28x28", "10x24x24"))]))
    1x28x28 -> 10x24x24
    """
    width = width or width_of_screen()
    return "\n".join(line for block in blocks for line in lines(block, width)).strip("\n")


def lines(block: Block, width: int) -> list[str]:
    """One block as lines of text."""
    match block:
        case Heading(text, level):
            return ["", one_line(text)] if level > 1 else [one_line(text)]
        case Sentence(text, mood):
            head = "" if mood in ("plain", "note") else f"{mood}: "
            return [line for part in safe(head + text).split("\n") for line in _wrap(part, width)]
        case Sum(label, text, value):
            head = f"{one_line(label)}: " if label else ""
            return _wrap(f"{head}{one_line(text)} = {one_line(value)}", width, "    ")
        case Shapes(steps):
            return _wrap(" -> ".join(map(one_line, steps)), width, "  ")
        case Table():
            return ["", *_table(block, width)]
        case Slots(title, about, slots):
            return [
                "",
                *_wrap(f"{one_line(title)}   {one_line(about)}", width, "    "),
                *[line for slot in slots for line in _slot(*slot, width)],
            ]
        case Code(text):
            return ["    " + line for line in safe(text).split("\n")]
        case Fix(text, costs, verified):
            tail = f" ({costs})" if costs else ""
            return _wrap(f"- {safe(text)}{tail}{'' if verified else ' [not run]'}", width, "  ")
        case Slide():
            return []
    raise TypeError(f"{type(block).__name__} is no block of the story")


def wrapped(line: str) -> list[str]:
    """A line as long as the screen is wide, or several, set in under its beginning."""
    indent = " " * (len(line) - len(line.lstrip()))
    width = width_of_screen()
    return textwrap.wrap(line, width, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False) or [""]


def _wrap(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=True, break_on_hyphens=False) or [""]


def _slot(label: str, told: tuple[str, ...], width: int) -> list[str]:
    found = []
    for i, text in enumerate(told):
        head = f"  {label:<{LABEL}}" if i == 0 else " " * (LABEL + 2)
        found += textwrap.wrap(
            one_line(text), width, initial_indent=head, subsequent_indent=" " * (LABEL + 2), break_long_words=True, break_on_hyphens=False
        )
    return found


def _table(table: Table, width: int) -> list[str]:
    rows = [[one_line(cell) for cell in row] for row in (table.columns, *table.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    least = [max(8, len(name)) for name in rows[0]]
    while sum(widths) + 2 * (len(widths) - 1) > width:  # the widest column of words gives way; a number is never cut
        words = [i for i in range(len(widths)) if i not in table.right and widths[i] > least[i]]
        if not words:
            break
        widths[max(words, key=widths.__getitem__)] -= 1
    found = []
    for row in rows:
        cells = [_cut(cell, w).rjust(w) if i in table.right else _cut(cell, w).ljust(w) for i, (cell, w) in enumerate(zip(row, widths))]
        found.append("  ".join(cells).rstrip())
    return [found[0], "-" * min(width, max(map(len, found))), *found[1:]]


def _cut(cell: str, width: int) -> str:
    """The end of a long cell says more than its start: ``...layer4.2.conv3``."""
    return cell if len(cell) <= width else "..." + cell[len(cell) - width + 3 :]


def wants_colour(choice: str = "auto", stream=None) -> bool:
    """Whether the text should be coloured: asked for, or a screen that can, and NO_COLOR not set."""
    if choice != "auto":
        return choice == "always"
    stream = stream or sys.stdout
    return bool(getattr(stream, "isatty", lambda: False)()) and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


# The colours of the visual language; the words say the same without them.
STYLES = (
    (r"\b(chosen|you chose it)\b", "bold #3a8ac0"),
    (r"\b(calculated)\b|= \d[\dx,]*", "#d07020"),
    (r"\b(from input|from the input|from the task)\b", "#8a8a8a"),
    (r"\b(typed, must equal)\b", "bold #b05090"),
    (r"(?m)^  (SIZE|MAPS|WEIGHTS|NOTE|IN KERAS|IN TORCH)\b", "bold"),
    (r"(?m)^(problem|warning):", "bold red"),
)


def colour(text: str) -> str:
    """The same text with colours, by rich; unchanged where rich is not installed."""
    try:
        from rich.console import Console
        from rich.text import Text
    except ImportError:
        return text
    styled = Text(text)
    for pattern, style in STYLES:
        styled.highlight_regex(pattern, style)
    console = Console(force_terminal=True, color_system="truecolor", width=1000, legacy_windows=False)
    with console.capture() as captured:
        console.print(styled, end="", soft_wrap=True)
    return captured.get()
