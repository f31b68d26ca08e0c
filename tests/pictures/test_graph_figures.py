"""The graph of parts: what stands in a box, how lines run, what goes on beside itself, and what stays closed so that it fits a page."""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from geometry import faults, seen

from whyshape.analyses.figure import parts
from whyshape.errors import WhyshapeError
from whyshape.story.scene import MM, TALLEST, WIDTHS, Box, Text
from whyshape.writers import svg


def words_of(scene):
    return [m.words for m in scene.marks if isinstance(m, Text)]


def boxes_of(scene):
    """What stands in each box of a graph, by the box's name; words are read where they lie."""
    found = {}
    boxes = [m for m in scene.marks if isinstance(m, Box) and m.fill == "paper" and m.w > 10]
    for m in boxes:
        inside = [t.words for t in scene.marks if isinstance(t, Text) and m.x <= t.x <= m.x + m.w and m.y <= t.y <= m.y + m.h]
        found.setdefault(inside[0], []).append(inside[1:])
    return found


def test_a_step_that_resizes_and_computes_nothing_stands_in_the_box_before_it(nets):
    """In the thread's network the pools and convolutions have boxes of their own; what reads two things or is read twice never hides."""
    found = boxes_of(parts(nets.thread(), "conv"))
    assert found == {
        "conv_1": [["10x24x24", "Conv2d 5x5"]],
        "maxpool_1": [["10x12x12", "MaxPool2d 2x2", "then relu_1"]],
        "conv_2": [["20x8x8", "Conv2d 5x5", "then dropout_2"]],
        "maxpool_2": [["20x4x4", "MaxPool2d 2x2", "then relu_2"]],
    }
    assert "add" in boxes_of(parts(nets.residual(1), "blocks.0"))


def test_every_input_comes_in_by_itself():
    """Two inputs are two arrows with their names; inside a module two tensors are two arrows, though they come from one network."""
    from whyshape.graph import Builder

    net = Builder("Two")
    x, y = net.input((1, 4, 8, 8), name="image"), net.input((1, 2, 8, 8), name="mask")
    seen = net.layer("Conv2d", "join.conv", x, args=(4, 2, 3), kwargs={"padding": 1})
    net.path = net.name = "join"
    out = net.layer("Conv2d", "head", net.call("cat", [seen, y], 1), args=(4, 1, 1))
    graph = net.graph(out)
    scene = parts(graph)
    assert {"image", "4x8x8", "mask", "2x8x8"} <= set(words_of(scene))
    starts = lambda scene: {m.points[0] for m in scene.marks if hasattr(m, "points") and m.arrow}
    assert len(starts(scene)) == 3  # image, mask, and join to head
    assert "mask" in words_of(parts(graph, "join")) and len(starts(parts(graph, "join"))) == 3


def test_what_was_measured_is_hatched():
    """A call that only a run could tell has a hatched edge, and the picture says what that means."""
    from whyshape.api import explain

    graph = explain("Conv2d(1, 2, 3) > MaxPool2d(2) > Flatten", (1, 1, 8, 8)).graph
    assert not [m for m in parts(graph).marks if isinstance(m, Box) and m.hatch]
    nodes = [node._replace(by="measured", why="no rule explains it") if node.op == "max_pool2d" else node for node in graph.nodes]
    scene = parts(graph._replace(nodes=tuple(nodes)))
    assert len([m for m in scene.marks if isinstance(m, Box) and m.hatch]) == 1
    assert "hatched: measured by a run, not explained (1 of 3 calls)" in words_of(scene)


def test_a_tall_graph_goes_on_beside_itself():
    """Forty layers fit a page, in the order of the calls: each arrow leads from the box before to the next."""
    from whyshape.api import explain

    graph = explain(" > ".join(f"Conv2d({1 + i}, {2 + i}, 3, padding=1)" for i in range(40)), (1, 1, 9, 9)).graph
    scene = parts(graph, width=WIDTHS["page"])
    assert scene.width == pytest.approx(174 * MM) and scene.height < 400
    boxes = [m for m in scene.marks if isinstance(m, Box)]
    assert len(boxes) == 40 and len({m.x for m in boxes}) > 3
    arrows = [m.points for m in scene.marks if hasattr(m, "points")]
    touches = lambda point, box: box.x <= point[0] <= box.x + box.w and min(abs(point[1] - box.y), abs(point[1] - box.y - box.h)) < 0.01
    for before, box in itertools.pairwise(boxes):
        assert [p for p in arrows if touches(p[0], before) and touches(p[-1], box)]


def test_a_u_is_drawn_as_a_u(nets):
    """In two columns the second one runs upwards: what comes out stands beside what goes in."""
    found = {m.words: m for m in parts(nets.unet(3)).marks if isinstance(m, Text)}
    assert found["out"].y < found["dec.0"].y < found["up.0"].y and found["out"].x > found["down.0"].x
    assert abs(found["out"].y - found["down.0"].y) < 60


def test_long_runs_of_calls_are_one_part():
    """Beyond sixteen parts, calls outside modules that follow each other are told together, in the graph and in the architecture."""
    from whyshape.graph import Builder

    net = Builder("Calls")
    x = net.layer("Conv2d", "conv", net.input((1, 2, 8, 8), name="x"), args=(2, 4, 3))
    for _ in range(20):
        net.path = net.name = ""
        x = net.call("mul", net.call("add", x, 1), 2)
    graph = net.graph(net.layer("Conv2d", "head", x, args=(4, 1, 1)))
    assert boxes_of(parts(graph)) == {"conv": [["4x6x6", "Conv2d 3x3"]], "40 calls": [["4x6x6", "add, mul"]], "head": [["1x6x6", "Conv2d"]]}


def test_a_graph_is_at_least_one_level_deep(nets):
    with pytest.raises(WhyshapeError, match=r"^a graph is drawn at least 1 level deep, not 0$"):
        parts(nets.thread(), depth=0)


LARGE = {"resnet50": 3, "googlenet": 2, "densenet121": 3}


@pytest.fixture(scope="module", params=LARGE, ids=LARGE)
def large(request):
    """A network of torchvision that opened to this depth is two to four pages tall."""
    from whyshape.api import explain

    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        net = getattr(models, request.param)(**{"init_weights": False} if request.param == "googlenet" else {})
    return explain(net, (1, 3, 224, 224)).graph, LARGE[request.param]


def test_a_large_network_fits_a_page(large):
    """No wider and no taller than the paper, soundly drawn, and each module that stays closed is named."""
    graph, depth = large
    scene = parts(graph, width=WIDTHS["page"], depth=depth)
    assert scene.width <= WIDTHS["page"] + 0.01 and scene.height <= TALLEST
    assert faults(seen(svg.write(scene)), graph=True) == []
    closed = scene.words.partition(". Closed, so that the picture fits a page: ")[2].split(", ")
    assert set(closed) <= {".".join(node.path.split(".")[:k]) for node in graph.nodes for k in range(9)} | {
        "layer2.1..3",
        "layer3.1..5",
        "layer4.1..2",
    }


def test_what_is_said_to_be_as_another_looks_the_same(large):
    """A box "as layer1.0" has inside what layer1.0 has: the same parts, of the same kinds, joined by as many lines."""
    graph, depth = large
    scene = parts(graph, width=WIDTHS["page"], depth=depth)
    known = {words.removeprefix("as ") for words in words_of(scene) if words.startswith("as ")}
    assert known

    def look(path):
        drawn = parts(graph, path)
        lines = [m for m in drawn.marks if hasattr(m, "points")]
        kinds = {name: [[w for w in words if not re.match(r"^\d", w)] for words in found] for name, found in boxes_of(drawn).items()}
        return kinds, len(lines)

    closed = scene.words.partition(": ")[2].split(", ")
    looks = {path: look(path) for path in known}
    assert all(look(path) in looks.values() for path in closed if "denseblock" not in path)


def test_what_fits_a_page_is_opened_whole(nets):
    """Nothing is closed where there is room for all."""
    scene = parts(nets.residual(), width=WIDTHS["page"], depth=3)
    assert "Closed" not in scene.words and not [words for words in words_of(scene) if words.startswith("as ")]
