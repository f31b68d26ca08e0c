"""Markdown: the same story for a README, an issue or a notebook's text."""

from __future__ import annotations

import re

from whyshape.story import Block, Code, Fix, Heading, Sentence, Shapes, Slide, Slots, Sum, Table
from whyshape.writers.plain import one_line, safe

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&$])")


def escape(text: str) -> str:
    """Text in which nothing is markup.

    >>> escape("a*b <script>")
    'a\\\\*b \\\\<script\\\\>'
    """
    return _SPECIAL.sub(r"\\\1", one_line(text))


def code(text: str) -> str:
    """Text in a code span, whatever backquotes it holds."""
    text = one_line(text)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if "`" in text or not text.strip() else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def write(blocks: list[Block]) -> str:
    """The story as Markdown.

    >>> print(write([Heading("net"), Sum("height", "28 - 5 + 1", "24")]))
    # net
    <BLANKLINE>
    height: `28 - 5 + 1 = 24`
    """
    return "\n\n".join(part for part in map(_block, blocks) if part)


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {escape(text)}"
        case Sentence(text, mood):
            body = "  \n".join(escape(line) for line in text.split("\n"))
            return body if mood in ("plain", "note") else f"**{mood}:** {body}"
        case Sum(label, text, value):
            return f"{escape(label) + ': ' if label else ''}{code(f'{text} = {value}')}"
        case Shapes(steps):
            return code(" -> ".join(steps))
        case Table(columns, rows, right):
            ruler = ["---:" if i in right else "---" for i in range(len(columns))]
            made = [f"| {' | '.join(escape(c) for c in row)} |" for row in (columns, *rows)]
            return "\n".join([made[0], f"| {' | '.join(ruler)} |", *made[1:]])
        case Slots(title, about, slots):
            items = [f"- **{label}** {' '.join(escape(t) for t in told)}" for label, told in slots]
            return "\n".join([f"### {escape(title)}", "", escape(about), "", *items]).strip()
        case Code(text, language):
            fence = "`" * max(3, max((len(r) for r in re.findall(r"`+", text)), default=0) + 1)
            return f"{fence}{language}\n{safe(text)}\n{fence}"
        case Fix(text, costs, verified):
            return f"- {escape(text)}{f' ({escape(costs)})' if costs else ''}{'' if verified else ' (not run)'}"
        case Slide():
            return ""
    raise TypeError(f"{type(block).__name__} is no block of the story")
