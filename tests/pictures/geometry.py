"""What a reader sees in an SVG: boxes, lines and words with their places, read back from the file."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from typing import NamedTuple

from whyshape.story.scene import SMALLEST, wide

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {"svg", "title", "desc", "rect", "path", "text"}
NUMBER = r"(-?\d+(?:\.\d+)?)"
RECT = re.compile(rf"M{NUMBER} {NUMBER}h{NUMBER}v{NUMBER}h-{NUMBER}z")
LINE = re.compile(rf"M{NUMBER} {NUMBER}((?:L{NUMBER} {NUMBER}|h{NUMBER}|v{NUMBER}|Q{NUMBER} {NUMBER} {NUMBER} {NUMBER})+)(?!z)")
CLOSE = 0.06  # two digits are written


class Seen(NamedTuple):
    """``boxes``: left, top, right, bottom; ``lines``: corners; ``words``: left, top, right, bottom and what they say."""

    width: float
    height: float
    boxes: list[tuple[float, float, float, float]]
    lines: list[list[tuple[float, float]]]
    words: list[tuple[float, float, float, float, str]]


def seen(svg: str) -> Seen:
    """The drawing in an SVG file. It must be well-formed, and hold only what may be in a picture."""
    root = ET.fromstring(svg)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= ALLOWED, tags
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    found = Seen(*map(float, root.get("viewBox").split()[2:]), [], [], [])
    for element in root.iter(f"{SVG}path"):
        d, stroke = element.get("d"), element.get("stroke-width")
        for x, y, w, h, _ in RECT.findall(d):
            left, top = float(x), float(y)
            found.boxes.append((left, top, left + float(w), top + float(h)))
        if element.get("fill") == "none" and stroke != "0.4":  # 0.4: hatching
            found.lines.extend(map(_corners, LINE.finditer(RECT.sub("", d))))
    for element in root.iter(f"{SVG}text"):
        size = float(element.get("font-size"))
        assert size >= SMALLEST
        said = element.text or ""
        broad = wide(said, size, element.get("font-weight") == "bold")
        x, y = float(element.get("x")), float(element.get("y"))
        left = {"start": x, "middle": x - broad / 2, "end": x - broad}[element.get("text-anchor")]
        found.words.append((left, y - 0.72 * size, left + broad, y + 0.1 * size, said))
    return found


def _corners(match: re.Match) -> list[tuple[float, float]]:
    x, y = float(match[1]), float(match[2])
    corners = [(x, y)]
    for step in re.finditer(r"([LhvQ])([^LhvQ]+)", match[3]):
        numbers = [float(n) for n in step[2].split()]
        match step[1]:
            case "L" | "Q":
                x, y = numbers[-2:]
            case "h":
                x += numbers[0]
            case "v":
                y += numbers[0]
        corners.append((x, y))
    return corners


def faults(drawing: Seen, graph: bool = False) -> list[str]:
    """What is wrong: something off the paper, words on words or across an edge, boxes that overlap, lines through boxes."""
    found = []
    inside = lambda left, top, right, bottom: (
        min(left, top) >= -CLOSE and right <= drawing.width + CLOSE and bottom <= drawing.height + CLOSE
    )
    found += [f"{item} is off the paper" for item in (*drawing.boxes, *drawing.words) if not inside(*item[:4])]
    found += [f"line {line} is off the paper" for line in drawing.lines if not all(inside(x, y, x, y) for x, y in line)]
    for one, other in itertools.combinations(drawing.words, 2):
        if min(one[2], other[2]) - max(one[0], other[0]) > 0.5 and min(one[3], other[3]) - max(one[1], other[1]) > 0.5:
            found.append(f"{one[4]!r} lies on {other[4]!r}")
    return found + (_of_graph(drawing) if graph else [])


def _of_graph(drawing: Seen) -> list[str]:
    found = []
    holds = lambda a, b: a[0] <= b[0] + CLOSE and a[1] <= b[1] + CLOSE and a[2] >= b[2] - CLOSE and a[3] >= b[3] - CLOSE
    for one, other in itertools.combinations(drawing.boxes, 2):
        apart = one[2] <= other[0] + CLOSE or other[2] <= one[0] + CLOSE or one[3] <= other[1] + CLOSE or other[3] <= one[1] + CLOSE
        if not (apart or holds(one, other) or holds(other, one)):
            found.append(f"boxes {one} and {other} overlap")
    leaves = [
        b for b in drawing.boxes if b[2] - b[0] > 3.5 and not any(o is not b and o[2] - o[0] > 3.5 and holds(b, o) for o in drawing.boxes)
    ]
    frames = [b for b in drawing.boxes if b not in leaves and b[2] - b[0] > 3.5]
    for line in drawing.lines:
        for (x1, y1), (x2, y2) in itertools.pairwise(line):
            if abs(x1 - x2) > CLOSE and abs(y1 - y2) > CLOSE:
                found.append(f"{line} runs aslant")
            low, high, top, bottom = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
            found += [
                f"{line} runs through {b}"
                for b in leaves
                if low < b[2] - 0.1 and high > b[0] + 0.1 and top < b[3] - 0.1 and bottom > b[1] + 0.1
            ]
            for f in frames:  # a line crosses a frame's edge only where it ends: at the top or the bottom
                sideways = abs(y1 - y2) <= CLOSE and f[1] + 0.1 < y1 < f[3] - 0.1
                found += [
                    f"{line} runs through the side of {f}" for edge in (f[0], f[2]) if sideways and low < edge - 0.1 and high > edge + 0.1
                ]
    for left, top, right, bottom, said in drawing.words:
        for box in leaves:
            if left < box[2] and right > box[0] and top < box[3] and bottom > box[1] and not holds(box, (left, top, right, bottom)):
                found.append(f"{said!r} leaves its box {box}")
    return found + _on_each_other(drawing.lines)


def _on_each_other(lines: list[list[tuple[float, float]]]) -> list[str]:
    """Lines that share a stretch though they neither begin nor end at one place."""
    found: list[str] = []
    stretches: dict[tuple[int, int], list[tuple[float, float, list]]] = {}  # by direction and tenths of a point
    for line in lines:
        for a, b in itertools.pairwise(line):
            for i in (0, 1):
                if abs(a[i] - b[i]) <= CLOSE:
                    low, high = sorted((a[1 - i], b[1 - i]))
                    tenth = round(10 * a[i])
                    for near in (tenth - 1, tenth, tenth + 1):
                        for begin, end, other in stretches.get((i, near), ()):
                            apart = line[0] != other[0] and line[-1] != other[-1]
                            if apart and min(high, end) - max(low, begin) > 0.2:
                                found.append(f"{line} and {other} lie on each other")
                    stretches.setdefault((i, tenth), []).append((low, high, line))
    return found
