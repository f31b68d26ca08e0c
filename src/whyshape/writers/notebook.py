"""A sheet as HTML that an untrusted notebook keeps: a table, ``details`` and pictures as data; no script, no style sheet, no id.

Colours are middle tones, so that they can be read on white and on black.
"""

from __future__ import annotations

import base64
import html

from whyshape.writers.film import svg_film
from whyshape.writers.html import visible

ROOM = 48_000  # bytes of pictures in one output; layers beyond it keep their words
CHOSEN, MADE, BAD, DIM = "#2a7fb8", "#c2620a", "#d0364a", "#808080"


def write(sheet) -> str:
    """The HTML of an `analyses.notebook.Sheet`."""
    room = ROOM
    cards = []
    for card in sheet.cards:
        picture = _picture(card) if card.film is not None else ""
        if len(picture) > room:
            picture = ""
        room -= len(picture)
        cards.append(_card(card, picture))
    problem = (
        f'<p style="color:{BAD};border-left:4px solid {BAD};padding:2px 8px"><b>does not fit</b> {_text(sheet.problem)}</p>'
        if sheet.problem
        else ""
    )
    rest = f'<p style="color:{DIM}">{_text(sheet.rest)}</p>' if sheet.rest else ""
    return (
        f"<div><p><b>{_text(sheet.title)}</b> {sheet.learned:,} learned numbers</p>"
        f'<p style="font-family:monospace">{_text(sheet.chain)}</p>{problem}{"".join(cards)}{rest}</div>'
    )


def _card(card, picture: str) -> str:
    learned = f' <span style="color:{DIM}">{card.learned:,} learned</span>' if card.learned else ""
    kind = f' <span style="color:{DIM}">{_text(card.type)}</span>' if card.type and card.type != card.name else ""
    head = f'<b>{_text(card.name)}</b>{kind} <span style="font-family:monospace;color:{MADE}">{_text(card.size)}</span>{learned}'
    if not card.slots:
        return f'<p style="margin:2px 0 2px 14px">{head}</p>'
    rows = "".join(
        f'<tr><td style="text-align:left;vertical-align:top;color:{CHOSEN}"><b>{_text(slot).replace(" ", "&nbsp;")}</b></td>'
        f'<td style="text-align:left">{"<br>".join(map(_text, said))}</td></tr>'
        for slot, said in card.slots.items()
    )
    return f'<details style="margin:2px 0"><summary>{head}</summary><table style="margin-left:14px">{rows}</table>{picture}</details>'


def _picture(card) -> str:
    data = base64.b64encode(svg_film(card.film).encode()).decode()
    return f'<img alt="{_text(card.film.still.words)}" src="data:image/svg+xml;base64,{data}">'


def frame(page: str, height: int) -> str:
    """A whole page inside a frame that cannot reach out of itself."""
    held = html.escape(page, quote=True)
    return f'<iframe srcdoc="{held}" sandbox="allow-scripts" title="whyshape report" width="100%" height="{int(height)}"></iframe>'


def _text(words: str) -> str:
    return html.escape(visible(words), quote=True)
