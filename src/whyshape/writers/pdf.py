"""A scene as PDF, drawn mark by mark with ReportLab: its fonts come with it and are embedded, so the bytes are the same everywhere."""

from __future__ import annotations

from io import BytesIO

from whyshape.errors import WhyshapeError
from whyshape.story.scene import Box, Line, Scene, Text, hatching
from whyshape.writers.html import visible
from whyshape.writers.svg import INKS, head


def write(scene: Scene) -> bytes:
    """The PDF file: one page as large as the picture. It is tagged: a figure whose alternative text is the words."""
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
    page._code.append("/Figure <</MCID 0>> BDC")  # all that is drawn is the content of one figure
    for m in scene.marks:
        _draw(page, m, scene.height)
    page._code.append("EMC")
    page.showPage()
    _tag(page._doc, scene)
    page.save()
    return held.getvalue()


def _tag(document, scene: Scene) -> None:
    """The structure a screen reader follows: the document holds one figure, and the figure says what it shows."""
    from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFString

    shown = document.Pages.pages[-1]
    shown.__NoDefault__ = [*shown.__NoDefault__, "StructParents", "Tabs"]
    shown.StructParents, shown.Tabs = 0, PDFName("S")
    root, whole, figure = PDFDictionary(), PDFDictionary(), PDFDictionary()
    refer = document.Reference
    for name, element in (("structure", root), ("structure.document", whole), ("structure.figure", figure)):
        refer(element, name)
    box = PDFArray([0, 0, scene.width, scene.height])
    figure.dict = {
        "Type": PDFName("StructElem"), "S": PDFName("Figure"), "P": refer(whole), "Pg": refer(shown), "K": 0,
        "T": PDFString(visible(scene.title)), "Alt": PDFString(visible(scene.words)),
        "A": PDFDictionary({"O": PDFName("Layout"), "BBox": box, "Placement": PDFName("Block")}),
    }  # fmt: skip
    whole.dict = {"Type": PDFName("StructElem"), "S": PDFName("Document"), "P": refer(root), "K": PDFArray([refer(figure)])}
    parents = PDFDictionary({"Nums": PDFArray([0, PDFArray([refer(figure)])])})
    root.dict = {"Type": PDFName("StructTreeRoot"), "K": PDFArray([refer(whole)]), "ParentTree": parents, "ParentTreeNextKey": 1}
    document.Catalog.StructTreeRoot = root
    document.Catalog.MarkInfo = PDFDictionary({"Marked": "true"})


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
            _set(page, m, visible(m.words).replace("\n", " "), top - m.y)


def _set(page, m: Text, words: str, y: float) -> None:
    """Set the words as wide as Helvetica would: our embedded letters run wider, so they are condensed, never made smaller."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    font, like = ("WhyshapeSans-Bold", "Helvetica-Bold") if m.bold else ("WhyshapeSans", "Helvetica")
    runs, wanted = stringWidth(words, font, m.size), stringWidth(words, like, m.size)
    share = min(1.0, wanted / runs) if runs else 1.0
    start = {"start": 0.0, "middle": 0.5, "end": 1.0}[m.anchor]
    line = page.beginText(m.x - start * runs * share, y)
    line.setFont(font, m.size)
    line.setHorizScale(100 * share)
    line.textOut(words)
    line.setHorizScale(100)
    page.drawText(line)
