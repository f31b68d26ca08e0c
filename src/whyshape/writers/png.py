"""A scene as pixels, for slides and for places that show nothing else: PNG, and the frames of GIF and MP4."""

from __future__ import annotations

import itertools
from io import BytesIO

from whyshape.errors import WhyshapeError
from whyshape.story.scene import Box, Line, Scene, Text, hatching
from whyshape.writers.html import visible
from whyshape.writers.svg import INKS, head

FINER = 2  # drawn so many times larger, then shrunk, for smooth edges


def write(scene: Scene, dpi: float = 300) -> bytes:
    """The PNG file; its title and its words stand in it as text."""
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_itxt("Title", visible(scene.title))
    told.add_itxt("Description", visible(scene.words))
    held = BytesIO()
    image(scene, dpi).save(held, "PNG", pnginfo=told, dpi=(dpi, dpi))
    return held.getvalue()


def image(scene: Scene, dpi: float = 300):
    """The picture as a Pillow image."""
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        raise WhyshapeError("pixels need Pillow: pip install 'whyshape[figures]'") from None
    size = (round(scene.width * dpi / 72), round(scene.height * dpi / 72))
    canvas = Image.new("RGB", (size[0] * FINER, size[1] * FINER), INKS["paper"])
    draw = ImageDraw.Draw(canvas)
    for m in scene.marks:
        _draw(draw, m, FINER * dpi / 72)
    return canvas.resize(size, Image.Resampling.BOX)


def _draw(draw, m, unit: float) -> None:
    match m:
        case Box():
            corners = (m.x * unit, m.y * unit, (m.x + m.w) * unit, (m.y + m.h) * unit)
            draw.rectangle(
                corners, fill=INKS[m.fill] if m.fill else None, outline=INKS[m.edge] if m.edge else None, width=_thick(m.width, unit)
            )
            if m.hatch:
                for line in hatching(m):
                    draw.line([n * unit for n in line], fill=INKS["line"], width=_thick(0.4, unit))
        case Line():
            points = _bent(m.points) if m.curve and len(m.points) == 3 else m.points
            scaled = [(x * unit, y * unit) for x, y in points]
            for begin, end in _dashed(scaled, 2 * unit, 1.5 * unit) if m.dash else itertools.pairwise(scaled):
                draw.line([begin, end], fill=INKS[m.ink], width=_thick(m.width, unit))
            if m.arrow:
                draw.polygon([(x * unit, y * unit) for x, y in head(m)], fill=INKS[m.ink])
        case Text():
            from PIL import ImageFont

            words, font = visible(m.words).replace("\n", " "), ImageFont.load_default(m.size * unit)
            anchor = {"start": "ls", "middle": "ms", "end": "rs"}[m.anchor]
            draw.text(
                (m.x * unit, m.y * unit),
                words,
                font=font,
                fill=INKS[m.ink],
                anchor=anchor,
                stroke_width=_thick(0.13, unit) if m.bold else 0,
            )


def _thick(width: float, unit: float) -> int:
    return max(1, round(width * unit))


def _bent(points):
    (x0, y0), (x1, y1), (x2, y2) = points
    at = [i / 24 for i in range(25)]
    return [((1 - t) ** 2 * x0 + 2 * t * (1 - t) * x1 + t * t * x2, (1 - t) ** 2 * y0 + 2 * t * (1 - t) * y1 + t * t * y2) for t in at]


def _dashed(points, on: float, off: float):
    for (x1, y1), (x2, y2) in itertools.pairwise(points):
        length, at = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 0.0
        while at < length:
            end = min(at + on, length)
            a, b = at / length, end / length
            yield (x1 + a * (x2 - x1), y1 + a * (y2 - y1)), (x1 + b * (x2 - x1), y1 + b * (y2 - y1))
            at = end + off
