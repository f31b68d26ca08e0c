"""Where things stand on the paper: nothing leaves it, no word lies on another, lines keep clear of boxes they do not join."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from networks_to_draw import branches, crossed, one, residual, thread, tokens, unet

from whyshape.analyses.animate import film
from whyshape.analyses.figure import architecture, convolution, drawn, find, parts, receptive, table
from whyshape.analyses.layout import placed
from whyshape.graph import Builder
from whyshape.story.scene import SMALLEST, WIDTHS, Box, Line, Text, wide
from whyshape.writers.svg import INKS

NETS = {"thread": thread, "residual": residual, "unet": unet, "branches": branches, "crossed": crossed, "tokens": tokens}
LAYERS = {
    "plain": ((1, 10, 5), {}, (1, 1, 28, 28)),
    "patches": ((3, 768, 16), {"stride": 16}, (1, 3, 224, 224)),
    "cut and padded": ((64, 64, 7), {"stride": 3, "padding": 2, "dilation": 2}, (1, 64, 180, 161)),
    "gaps": ((4, 6, 3), {"stride": 2, "dilation": 2, "groups": 2}, (1, 4, 32, 32)),
    "as large as the image": ((3, 8, 224), {}, (1, 3, 224, 224)),
    "one row": ((2, 2, (1, 3)), {}, (1, 2, 1, 9)),
}


def named(name):
    """A network whose layers have that name."""
    net = Builder(name)
    x = net.layer("Conv2d", f"{name}a", net.input((1, 3, 9, 9), name=name), args=(3, 4, 3))
    x = net.layer("MaxPool2d", f"{name}b.{name}", x, args=(2,))
    return net.graph(net.layer("Linear", f"{name}c", net.layer("Flatten", f"{name}d", x), args=(36, 5)))


def scenes():
    for name, make in NETS.items():
        graph = make()
        for width, room in WIDTHS.items():
            for style in ("lenet", "blocks"):
                yield f"{name} {style} {width}", architecture(graph, room, style)
            yield f"{name} table {width}", table(graph, room)
            yield f"{name} rf {width}", receptive(graph, room)
        for depth in (1, 2, 3):
            yield f"{name} graph {depth}", parts(graph, depth=depth)
    for name, (args, kwargs, size) in LAYERS.items():
        graph = one(args, kwargs, size=size)
        for width, room in WIDTHS.items():
            yield f"{name} {width}", convolution(graph, find(graph, "layer"), room)
        yield f"{name} film", film(graph, graph.nodes[-1]).still
    for name in ("a_very_long_name_for_a_layer_" * 4, "W" * 60, "\x00\u202e" * 30, "\u5c64" * 40, "x" * 100_000):
        graph = named(name)
        for kind, style, depth in (
            ("arch", "lenet", 1),
            ("arch", "blocks", 1),
            ("arch", "table", 1),
            ("rf", "", 1),
            ("graph", "", 1),
            ("graph", "", 3),
        ):
            for width in WIDTHS:
                yield f"{name[:9]!r} {kind} {style} {width}", drawn(graph, kind, None, width, style or "lenet", depth)


SCENES = dict(scenes())


def extent(m: Text):
    broad = wide(m.words, m.size, m.bold)
    start = {"start": m.x, "middle": m.x - broad / 2, "end": m.x - broad}[m.anchor]
    return start, m.y - 0.72 * m.size, start + broad, m.y + 0.1 * m.size


@pytest.mark.parametrize("name", SCENES)
def test_everything_stands_on_the_paper(name):
    """Boxes, lines and whole words lie inside the picture, and no word is below 6 points."""
    scene = SCENES[name]
    for m in scene.marks:
        match m:
            case Box():
                corners = [(m.x, m.y), (m.x + m.w, m.y + m.h)]
            case Line():
                corners = m.points
                if m.curve:  # half of the way to its middle point is as far as an arc goes
                    (x0, y0), (x1, y1), (x2, y2) = m.points
                    corners = [(x0, y0), ((x0 + 2 * x1 + x2) / 4, (y0 + 2 * y1 + y2) / 4), (x2, y2)]
            case Text():
                assert m.size >= SMALLEST
                left, top, right, bottom = extent(m)
                corners = [(left, top), (right, bottom)]
        assert all(-0.01 <= x <= scene.width + 0.01 and -0.01 <= y <= scene.height + 0.01 for x, y in corners), m


@pytest.mark.parametrize("name", SCENES)
def test_no_word_lies_on_another(name):
    words = [(extent(m), m.words) for m in SCENES[name].marks if isinstance(m, Text)]
    for (a, said), (b, other) in itertools.combinations(words, 2):
        apart = a[2] <= b[0] + 0.5 or b[2] <= a[0] + 0.5 or a[3] <= b[1] + 0.5 or b[3] <= a[1] + 0.5
        assert apart, (said, other)


@pytest.mark.parametrize("name", [n for n in SCENES if " graph " in n and n.split()[0] in NETS])
def test_lines_of_a_graph_keep_clear_of_boxes(name):
    """A line runs straight across or down, and never through a box that holds no other box, except to end at its edge."""
    scene = SCENES[name]
    boxes = [m for m in scene.marks if isinstance(m, Box)]
    inner = [
        b
        for b in boxes
        if not any(o is not b and b.x <= o.x and o.x + o.w <= b.x + b.w and b.y <= o.y and o.y + o.h <= b.y + b.h for o in boxes)
    ]
    for line in (m for m in scene.marks if isinstance(m, Line)):
        for (x1, y1), (x2, y2) in itertools.pairwise(line.points):
            assert x1 == x2 or y1 == y2
            for b in inner:
                crosses = (
                    min(x1, x2) < b.x + b.w - 0.1 and max(x1, x2) > b.x + 0.1 and min(y1, y2) < b.y + b.h - 0.1 and max(y1, y2) > b.y + 0.1
                )
                assert not crosses, (line, b)


@pytest.mark.parametrize("name", [n for n in SCENES if " graph " in n and n.split()[0] in NETS])
def test_lines_that_mean_different_things_do_not_lie_on_each_other(name):
    """Where two lines share a stretch they come from one place, or end in one."""
    lines = [m.points for m in SCENES[name].marks if isinstance(m, Line)]
    for line, other in itertools.combinations(lines, 2):
        if line[0] == other[0] or line[-1] == other[-1]:
            continue
        for a, b in itertools.pairwise(line):
            for c, d in itertools.pairwise(other):
                for i in (0, 1):
                    if a[i] == b[i] == c[i] == d[i]:
                        low, high = (
                            max(min(a[1 - i], b[1 - i]), min(c[1 - i], d[1 - i])),
                            min(max(a[1 - i], b[1 - i]), max(c[1 - i], d[1 - i])),
                        )
                        assert high - low < 0.1, (line, other)


def test_grey_tells_the_depths_apart():
    """In grey each ink of the receptive field is lighter than the one inside it."""
    grey = lambda ink: sum(w * int(ink[i : i + 2], 16) for w, i in ((0.299, 1), (0.587, 3), (0.114, 5)))
    shades = [grey(INKS[f"depth{i}"]) for i in range(10)]
    assert all(b - a > 12 for a, b in itertools.pairwise(shades))


def test_layout_of_a_skip():
    """A chain stays straight, what passes it passes beside; no edge runs backwards."""
    picture = placed(5, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4), (1, 4)])
    assert [place for _, place in picture.at] == [0] * 5
    assert all(picture.at[a][0] < picture.at[b][0] for a, b, *_ in picture.edges)
    assert all(len(passed) == picture.at[b][0] - picture.at[a][0] - 1 for a, b, *passed in picture.edges)
    lanes = {(a, tuple(passed)) for a, _, *passed in picture.edges if passed}
    assert all(0 not in passed for _, passed in lanes)
