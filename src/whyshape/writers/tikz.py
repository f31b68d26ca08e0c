"""A scene as TikZ, to stand in a LaTeX document with its fonts."""

from __future__ import annotations

from whyshape.story.scene import Box, Line, Scene, Text, hatching
from whyshape.writers.html import visible
from whyshape.writers.svg import INKS, number

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"{\char34}",
}  # fmt: skip
# A letter beyond Latin-1, where the engine can set it; pdfTeX, which cannot, sets its number.
LETTER = "\\providecommand\\whyshapeletter[2]{\\ifdefined\\Umathchar#1\\else#2\\fi}"
ANCHOR = {"start": "base west", "middle": "base", "end": "base east"}


def write(scene: Scene) -> str:
    """A ``tikzpicture``; it needs the packages tikz and xcolor."""
    colours = "\n".join(f"\\definecolor{{whyshape{name}}}{{HTML}}{{{ink[1:].upper()}}}" for name, ink in INKS.items())
    lines = [f"% {visible(scene.title)}".replace("\n", " "), f"% {visible(scene.words)}".replace("\n", " "), colours]
    lines.append(LETTER)
    lines.append("\\begin{tikzpicture}[x=1bp,y=-1bp,line join=round]")
    lines.append(f"\\path[use as bounding box] (0,0) rectangle ({number(scene.width)},{number(scene.height)});")
    lines += [line for m in scene.marks for line in _mark(m)]
    lines.append("\\end{tikzpicture}")
    return "\n".join(lines) + "\n"


def _mark(m):
    match m:
        case Box():
            how = [f"line width={number(m.width)}bp"]
            if m.fill:
                how.append(f"fill=whyshape{m.fill}")
            if m.edge:
                how.append(f"draw=whyshape{m.edge}")
            yield f"\\path[{','.join(how)}] ({number(m.x)},{number(m.y)}) rectangle ({number(m.x + m.w)},{number(m.y + m.h)});"
            if m.hatch:
                for a, b, c, d in hatching(m):
                    yield f"\\draw[whyshapeline,line width=0.4bp] ({number(a)},{number(b)}) -- ({number(c)},{number(d)});"
        case Line():
            how = f"whyshape{m.ink},line width={number(m.width)}bp" + (",dashed" if m.dash else "") + (",->,>=latex" if m.arrow else "")
            points = [f"({number(x)},{number(y)})" for x, y in m.points]
            if m.curve and len(points) == 3:  # a quadratic bend as the cubic one TikZ knows
                (x0, y0), (x1, y1), (x2, y2) = m.points
                first, second = (x0 + 2 * (x1 - x0) / 3, y0 + 2 * (y1 - y0) / 3), (x2 + 2 * (x1 - x2) / 3, y2 + 2 * (y1 - y2) / 3)
                bend = f".. controls ({number(first[0])},{number(first[1])}) and ({number(second[0])},{number(second[1])}) .."
                yield f"\\draw[{how}] {points[0]} {bend} {points[2]};"
            else:
                yield f"\\draw[{how}] {' -- '.join(points)};"
        case Text():
            font = f"\\fontsize{{{number(m.size)}}}{{{number(1.2 * m.size)}}}\\selectfont\\sffamily" + ("\\bfseries" if m.bold else "")
            how = f"anchor={ANCHOR[m.anchor]},inner sep=0,text=whyshape{m.ink},font={font}"
            yield f"\\node[{how}] at ({number(m.x)},{number(m.y)}) {{{escaped(m.words)}}};"


def escaped(words: str) -> str:
    """Words as LaTeX prints them.

    >>> escaped("conv_1 & 50%")
    'conv\\\\_1 \\\\& 50\\\\%'
    """
    return "".join(map(_letter, visible(words).replace("\n", " ")))


def _letter(letter: str) -> str:
    return SPECIAL.get(letter) or (letter if letter <= "\xff" else f"\\whyshapeletter{{{letter}}}{{[U+{ord(letter):04X}]}}")
