"""A scene as PDF, drawn mark by mark with ReportLab: its fonts come with it and are embedded, so the bytes are the same everywhere."""

from __future__ import annotations

from io import BytesIO

from whyshape.errors import WhyshapeError
from whyshape.story.scene import Box, Line, Scene, Text, hatching
from whyshape.writers.html import visible
from whyshape.writers.svg import INKS, head


def write(scene: Scene) -> bytes:
    """The PDF file: one page as large as the picture; the words are its subject and its alternative text."""
    try:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.ttfonts import TTFont
        from reportlab.pdfgen.canvas import Canvas
    except ImportError:
        raise WhyshapeError("PDF needs ReportLab: pip install 'whyshape[figures]'") from None
    for name, file in (("WhyshapeSans", "Vera.ttf"), ("WhyshapeSans-Bold", "VeraBd.ttf")):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, file))
    held = BytesIO()
    page = Canvas(held, pagesize=(scene.width, scene.height), invariant=1, pageCompression=1, lang="en", initialFontName="WhyshapeSans")
    page.setTitle(visible(scene.title))
    page.setSubject(visible(scene.words))
    page.setAuthor("")
    page.setCreator("whyshape")
    for m in scene.marks:
        _draw(page, m, scene.height)
    page.showPage()
    page.save()
    return held.getvalue()


def _draw(page, m, top: float) -> None:
    match m:
        case Box():
            page.setLineWidth(m.width)
            if m.fill:
                page.setFillColor(INKS[m.fill])
            if m.edge:
                page.setStrokeColor(INKS[m.edge])
            page.rect(m.x, top - m.y - m.h, m.w, m.h, stroke=int(bool(m.edge)), fill=int(bool(m.fill)))
            if m.hatch:
                page.setStrokeColor(INKS["line"])
                page.setLineWidth(0.4)
                page.lines([(a, top - b, c, top - d) for a, b, c, d in hatching(m)])
        case Line():
            page.setLineWidth(m.width)
            page.setStrokeColor(INKS[m.ink])
            page.setDash([2, 1.5] if m.dash else [])
            path = page.beginPath()
            (x, y), *rest = m.points
            path.moveTo(x, top - y)
            if m.curve and len(rest) == 2:
                (x1, y1), (x2, y2) = rest
                path.curveTo(
                    x + 2 * (x1 - x) / 3, top - y - 2 * (y1 - y) / 3, x2 + 2 * (x1 - x2) / 3, top - y2 - 2 * (y1 - y2) / 3, x2, top - y2
                )
            else:
                for a, b in rest:
                    path.lineTo(a, top - b)
            page.drawPath(path)
            page.setDash([])
            if m.arrow:
                page.setFillColor(INKS[m.ink])
                tip = page.beginPath()
                (x, y), *rest = head(m)
                tip.moveTo(x, top - y)
                for a, b in rest:
                    tip.lineTo(a, top - b)
                tip.close()
                page.drawPath(tip, stroke=0, fill=1)
        case Text():
            page.setFillColor(INKS[m.ink])
            page.setFont("WhyshapeSans-Bold" if m.bold else "WhyshapeSans", m.size * 0.92)  # Vera runs wider than Helvetica
            draw = {"start": page.drawString, "middle": page.drawCentredString, "end": page.drawRightString}[m.anchor]
            draw(m.x, top - m.y, visible(m.words).replace("\n", " "))
