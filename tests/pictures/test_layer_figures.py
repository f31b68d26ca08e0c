"""One layer in pictures: why its size is moves plus 1, what it learns, and what its padding counts as."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from geometry import faults, seen

from whyshape.analyses.figure import drawn
from whyshape.api import explain
from whyshape.cli import main
from whyshape.errors import WhyshapeError
from whyshape.story.scene import Box, Line, Text
from whyshape.writers import svg

WINDOWS = {
    "plain": ("Conv2d(1, 10, 5)", (1, 1, 28, 28)),
    "stride and padding": ("Conv2d(3, 8, 3, stride=3, padding=1)", (1, 3, 22, 20)),
    "one column is left over": ("Conv2d(2, 4, 4, stride=4)", (1, 2, 23, 23)),
    "dilation": ("Conv2d(2, 4, 3, dilation=3, padding=2)", (1, 2, 15, 17)),
    "cut": ("Conv2d(3, 64, 7, stride=2, padding=3)", (1, 3, 224, 224)),
    "as large as the image": ("Conv2d(3, 8, 16)", (1, 3, 16, 16)),
    "the window hangs over": ("MaxPool2d(3, 2, ceil_mode=True)", (1, 3, 14, 14)),
    "the window that would begin outside is left out": ("MaxPool2d(2, 2, padding=1, ceil_mode=True)", (1, 3, 5, 5)),
    "one axis": ("Conv1d(2, 3, 4, stride=2)", (1, 2, 19)),
    "average": ("AvgPool2d((2, 5), (1, 3), (0, 2))", (1, 2, 9, 23)),
}


@pytest.mark.parametrize("layer, shape", WINDOWS.values(), ids=WINDOWS)
def test_moves_plus_one_is_what_pytorch_makes(layer, shape):
    """The three sentences lead to PyTorch's own width, and the strips show as many moves and places as they say."""
    scene = drawn(explain(layer, shape).graph, "steps")
    made = eval(f"torch.nn.{layer}")(torch.zeros(shape)).shape[-1]
    covers, of, left, stride, moves, places = map(
        int,
        re.search(
            r"covers (\d+) of (\d+) c\w+: .* = (\d+) are left. 2. In steps of (\d+) that is .* = (\d+) moves?\. 3. .* = (\d+) places?\.",
            scene.words,
        ).groups(),
    )
    assert places == made == moves + 1 and left == of - covers and moves in (left // stride, -(-left // stride))
    assert faults(seen(svg.write(scene))) == []
    if of <= 32:
        arrows = [m for m in scene.marks if isinstance(m, Line) and m.arrow]
        assert len(arrows) == moves + bool(left)
        last = max(m.y for m in scene.marks if isinstance(m, Box) and m.fill == "kernel")
        assert len([m for m in scene.marks if isinstance(m, Box) and m.y == last and m.fill in ("kernel", "next")]) == places


@pytest.mark.parametrize("layer, shape", [("ConvTranspose2d(2, 3, 4)", (1, 2, 5, 5)), ("AdaptiveAvgPool2d(3)", (1, 2, 7, 7))])
def test_what_makes_its_size_otherwise_has_no_plus_one(layer, shape):
    with pytest.raises(WhyshapeError, match=r"^\w+ does not make its size by moving a window over its input: there is no \+ 1 to explain$"):
        drawn(explain(layer, shape).graph, "steps")


LEARNED = {
    "kernels": (
        "Conv2d(10, 20, 5)",
        (1, 10, 12, 12),
        "weight: 20 x 10 blocks of 5 x 5, a row for each map it makes, a column for each map it reads",
    ),
    "groups": ("Conv2d(8, 16, 3, groups=4)", (1, 8, 9, 9), "weight: 16 x 2 blocks of 3 x 3, a row for each map it makes"),
    "transposed": (
        "ConvTranspose2d(4, 6, 2)",
        (1, 4, 5, 5),
        "weight: 4 x 6 blocks of 2 x 2, a row for each map it reads, a column for each map it makes",
    ),
    "numbers": ("Linear(320, 50)", (1, 320), "weight: 50 x 320 numbers, a row for each number it makes, a column for each number it reads"),
    "a norm": ("BatchNorm2d(20)", (1, 20, 4, 4), "weight: 20 numbers"),
    "a window larger than the paper": ("Conv2d(3, 4, 224)", (1, 3, 224, 224), "weight: 4 x 3 blocks of 224 x 224, a row"),
    "three axes": ("Conv3d(2, 3, 3)", (1, 2, 5, 5, 5), "weight: 3 x 2 blocks of 3 x 3 x 3, a row"),
}


@pytest.mark.parametrize("layer, shape, said", LEARNED.values(), ids=LEARNED)
def test_weights_are_drawn_as_they_are_stored(layer, shape, said):
    """Every tensor in words, the sum PyTorch counts, and blocks on the paper."""
    scene = drawn(explain(layer, shape).graph, "weight")
    net = eval(f"torch.nn.{layer}")
    assert said in scene.words
    assert scene.words.split(". ")[0].endswith(f" = {sum(p.numel() for p in net.parameters())}")
    for name, p in net.named_parameters():
        assert f"{name}: {' x '.join(map(str, p.shape[:2]))}" in scene.words
    assert faults(seen(svg.write(scene))) == []


def test_kernels_of_one_map_follow_one_another():
    """The thread's ten kernels all stand on the paper; of 512 some do, and it is said how many."""
    scene = drawn(explain("Conv2d(1, 10, 5, bias=False)", (1, 1, 28, 28)).graph, "weight")
    assert "weight: 10 blocks of 5 x 5, one for each map it makes" in scene.words
    assert len([m for m in scene.marks if isinstance(m, Box) and m.fill == "next"]) == 10
    scene = drawn(explain("Conv2d(512, 512, 3, groups=512, bias=False)", (1, 512, 9, 9)).graph, "weight")
    (told,) = [m.words for m in scene.marks if isinstance(m, Text) and m.words.endswith("of 512 drawn")]
    assert len([m for m in scene.marks if isinstance(m, Box) and m.fill == "next"]) == int(told.split()[0])
    assert faults(seen(svg.write(scene))) == []


def test_all_blocks_are_drawn_where_there_is_room():
    """Three by two kernels of 3 x 3 are six blocks; of 20 x 10 some are drawn, and it is said how many."""
    scene = drawn(explain("Conv2d(2, 3, 3, bias=False)", (1, 2, 8, 8)).graph, "weight")
    assert len([m for m in scene.marks if isinstance(m, Box) and m.fill == "next"]) == 6
    assert not [m for m in scene.marks if isinstance(m, Text) and "..." in m.words]
    scene = drawn(explain("Conv2d(10, 20, 5, bias=False)", (1, 10, 8, 8)).graph, "weight")
    (told,) = [m.words for m in scene.marks if isinstance(m, Text) and m.words.endswith("of 20 x 10 drawn")]
    rows, columns = map(int, re.findall(r"\d+", told)[:2])
    assert len([m for m in scene.marks if isinstance(m, Box) and m.fill == "next"]) == rows * columns


def test_a_layer_that_learns_nothing_is_one_sentence(nets, tmp_path, capsys):
    with pytest.raises(WhyshapeError) as problem:
        drawn(nets.thread(), "weight", "maxpool_1")
    assert str(problem.value) == (
        "conv.maxpool_1 learns no numbers, so there is nothing to draw; layers that do: conv.conv_1, conv.conv_2, fc.fc1, fc.fc2"
    )
    assert main(["figure", "weight", "ReLU", "--input", "1,4", "-o", str(tmp_path / "x.svg")]) == 2
    assert "no layer of this model learns numbers, so there is nothing to draw" in capsys.readouterr().err


F = torch.nn.functional
PADDED = {
    "convolution": ("Conv2d(2, 3, 3, padding=1)", "0"),
    "stride": ("Conv2d(2, 3, 3, 2, 1)", "0"),
    "max pool": ("MaxPool2d(3, 2, 1)", "-inf"),
    "max pool of one axis": ("MaxPool1d(2, 2, 1)", "-inf"),
    "mean with padding": ("AvgPool2d(3, 2, 1)", "0"),
    "mean without": ("AvgPool2d(3, 2, 1, count_include_pad=False)", "not counted"),
}


@pytest.mark.parametrize("layer, value", PADDED.values(), ids=PADDED)
def test_padding_counts_as_it_is_said(layer, value):
    """The hatched cells' value put there by hand, and no padding: PyTorch gives the same numbers. What is not counted is left out of the mean."""
    shape = (1, 2, 9) if "1d" in layer else (1, 2, 9, 8)
    scene = drawn(explain(layer, shape).graph, "conv")
    assert f"Hatched: padding ({value})." in scene.words
    torch.manual_seed(0)
    net, x = eval(f"torch.nn.{layer}"), torch.randn(shape) - 3  # below zero, so that a zero would win
    wide = [1, 1] * (len(shape) - 2)
    bare = eval(f"torch.nn.{layer}")
    bare.padding = (0,) * (len(shape) - 2) if "Conv" in layer else 0
    if "Conv" in layer:
        bare.load_state_dict(net.state_dict())
    if value == "not counted":
        bare.count_include_pad = True
        mean = bare(F.pad(x, wide)) / bare(F.pad(torch.ones_like(x), wide))
        torch.testing.assert_close(net(x), mean)
    else:
        torch.testing.assert_close(net(x), bare(F.pad(x, wide, value=float(value))))
