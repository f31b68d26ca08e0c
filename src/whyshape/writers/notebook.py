"""A sheet as HTML that an untrusted notebook keeps: a table, ``details`` and pictures as data; no script, no style sheet, no id.

Colours are middle tones, so that they can be read on white and on black.
"""

from __future__ import annotations

import base64
import html

from whyshape.writers.film import svg_film
from whyshape.writers.html import visible

LIMIT = 60_000  # bytes of one output: names first, then sentences, then pictures, as far as they go
NAME = 120  # letters of one name
CHOSEN, MADE, BAD, DIM = "#2a7fb8", "#b65a08", "#d93f53", "#767676"  # each stands out as much from white as from a dark page
REST = "x.report('net.html')"


def write(sheet) -> str:
    """The HTML of an `analyses.notebook.Sheet`, of at most `LIMIT` bytes."""
    room = LIMIT - len(_page(sheet, "", "x" * 300))
    heads = []
    for card in sheet.cards:
        head = _head(card)
        room -= len(_closed(head))
        if room < 0:
            break
        heads.append(head)
    told = dict.fromkeys(range(len(heads)), ("", ""))
    for part, made in ((0, _sentences), (1, _picture)):
        for i, card in enumerate(sheet.cards[: len(heads)]):
            if part == 1 and (card.film is None or not told[i][0]):
                continue
            piece = made(card)
            if piece and len(piece.encode()) + 90 <= room:
                room -= len(piece.encode()) + 90  # the tags of an opened card
                told[i] = (piece, "") if part == 0 else (told[i][0], piece)
    cards = "".join(_opened(head, *told[i]) if told[i][0] else _closed(head) for i, head in enumerate(heads))
    more = len(sheet.cards) - len(heads)
    silent = sum(1 for i, card in enumerate(sheet.cards[: len(heads)]) if (card.slots and not told[i][0]) or (card.film and not told[i][1]))
    left_out = [f"{more} more rows"] * bool(more) + [f"words or pictures of {silent} layers"] * bool(silent)
    rest = sheet.rest or (f"Left out to stay small: {' and '.join(left_out)}. All of it: {REST}" if left_out else "")
    if sheet.rest and more:
        rest = f"{sheet.rest}; {more} more rows are left out"
    return _page(sheet, cards, rest)


def _page(sheet, cards: str, rest: str) -> str:
    problem = (
        f'<p style="color:{BAD};border-left:4px solid {BAD};padding:2px 8px"><b>does not fit</b> {_text(sheet.problem, 2000)}</p>'
        if sheet.problem
        else ""
    )
    rest = f'<p style="color:{DIM}">{_text(rest, 2000)}</p>' if rest else ""
    return (
        f"<div><p><b>{_text(sheet.title)}</b> {sheet.learned:,} learned numbers</p>"
        f'<p style="font-family:monospace">{_text(sheet.chain, 4000)}</p>{problem}{cards}{rest}</div>'
    )


def _head(card) -> str:
    learned = f' <span style="color:{DIM}">{card.learned:,} learned</span>' if card.learned else ""
    kind = f' <span style="color:{DIM}">{_text(card.type)}</span>' if card.type and card.type != card.name else ""
    return f'<b>{_text(card.name)}</b>{kind} <span style="font-family:monospace;color:{MADE}">{_text(card.size)}</span>{learned}'


def _closed(head: str) -> str:
    return f'<p style="margin:2px 0 2px 14px">{head}</p>'


def _opened(head: str, sentences: str, picture: str) -> str:
    return f'<details style="margin:2px 0"><summary>{head}</summary>{sentences}{picture}</details>'


def _sentences(card) -> str:
    if not card.slots:
        return ""
    rows = "".join(
        f'<tr><td style="text-align:left;vertical-align:top;color:{CHOSEN}"><b>{_text(slot).replace(" ", "&nbsp;")}</b></td>'
        f'<td style="text-align:left">{"<br>".join(_text(line, 2000) for line in said)}</td></tr>'
        for slot, said in card.slots.items()
    )
    return f'<table style="margin-left:14px">{rows}</table>'


def _picture(card) -> str:
    data = base64.b64encode(svg_film(card.film).encode()).decode()
    return f'<img style="max-width:100%" alt="{_text(card.film.still.words, 2000)}" src="data:image/svg+xml;base64,{data}">'


def frame(page: str, height: int) -> str:
    """A whole page inside a frame that cannot reach out of itself."""
    held = html.escape(page, quote=True)
    return f'<iframe srcdoc="{held}" sandbox="allow-scripts" title="whyshape report" width="100%" height="{int(height)}"></iframe>'


def _text(words: str, most: int = NAME) -> str:
    return html.escape(visible(words if len(words) <= most else f"{words[:most]}..."), quote=True)
