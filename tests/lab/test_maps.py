"""The picture of the feature maps holds every layer, every map, and true colours."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from whyshape.errors import WhyshapeError
from whyshape.lab.maps import BLUE, LABEL, MARGIN, ORANGE, band, bands, coloured, maps
from whyshape.lab.network import ThreadNet
from whyshape.lab.pictures import taken_from


def test_every_layer_has_a_band_with_its_numbers():
    """The thread's network: the input and eleven layers, each with PyTorch's own numbers."""
    torch.manual_seed(0)
    net, x = ThreadNet().eval(), torch.randn(1, 1, 28, 28)
    found = bands(net, x)
    assert [b.size for b in found] == [
        "1 map of 28 x 28", "10 maps of 24 x 24", "10 maps of 12 x 12", "10 maps of 12 x 12", "20 maps of 8 x 8", "20 maps of 8 x 8",
        "20 maps of 4 x 4", "20 maps of 4 x 4", "50 numbers", "50 numbers", "50 numbers", "10 numbers",
    ]  # fmt: skip
    with torch.no_grad():
        np.testing.assert_array_equal(found[1].numbers, net.conv.conv_1(x)[0].double().numpy())
        np.testing.assert_array_equal(found[-1].numbers[0, 0], net(x)[0].double().numpy())


def test_colours_are_the_numbers():
    """White at zero, blue below, orange above, full at the largest; nothing beyond."""
    colours = coloured(np.array([[0.0, 2.0, -2.0, 1.0, 9.0, np.nan]]), most=2.0)[0]
    assert colours[0].tolist() == [255, 255, 255]
    assert colours[1].tolist() == colours[4].tolist() == ORANGE.tolist()
    assert colours[2].tolist() == BLUE.tolist()
    assert colours[3].tolist() == np.rint((255 + ORANGE) / 2).tolist()
    assert colours[5].tolist() == [128, 128, 128]


def test_the_first_map_is_where_the_picture_says():
    """A 2 x 2 map of four numbers is drawn at its place, a square for each."""
    conv = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(conv.weight, 1.0)
    picture = np.asarray(maps(nn.Sequential(conv), torch.tensor([[[[1.0, -1.0], [0.0, 0.5]]]])))
    left, top, side = MARGIN + LABEL + 1, MARGIN + 1, 36
    middles = [picture[top + side * r + 18, left + side * c + 18].tolist() for r in (0, 1) for c in (0, 1)]
    assert middles == [ORANGE.tolist(), BLUE.tolist(), [255, 255, 255], np.rint((255 + ORANGE) / 2).tolist()]


def test_one_scale_for_a_layer_or_one_for_each_map():
    """A weak map is pale on the layer's scale and full on its own."""
    model, x = nn.Sequential(nn.Identity()), torch.tensor([4.0, 1.0]).view(1, 2, 1, 1).expand(1, 2, 8, 8).contiguous()
    second = MARGIN + LABEL + 72 + 2 + 6 + 20
    pale, full = (np.asarray(maps(model, x, scale=scale))[MARGIN + 20, second] for scale in ("layer", "map"))
    assert full.tolist() == ORANGE.tolist() and pale.sum() > full.sum()


@pytest.mark.parametrize("shape", [(5,), (7, 9), (3, 4, 900), (200, 2, 2), (4, 5, 6, 7), (2, 3, 4, 5, 6), ()])
def test_any_output_can_be_drawn(shape):
    """Vectors, sequences, wide images, many maps, volumes."""
    picture = maps(nn.Sequential(nn.Identity()), torch.randn(1, *shape))
    assert picture.width == 2 * MARGIN + 250 + 870 and picture.height > 60


def test_of_a_volume_a_slice_is_shown_and_said():
    """Four axes: the middle of the second."""
    volume = torch.randn(4, 5, 6, 7)
    one = band("", "", volume)
    assert one.note == "slice 2 is shown" and one.size == "4 maps of 5 x 6 x 7"
    np.testing.assert_array_equal(one.numbers, volume[:, 2].double().numpy())


def test_no_layers_is_a_sentence():
    """Nothing to draw."""

    class Nothing(nn.Module):
        def forward(self, x):
            return x

    outer = nn.Module()
    outer.forward = lambda x: x
    outer.inner = Nothing()
    with pytest.raises(WhyshapeError) as problem:
        maps(outer, torch.zeros(1, 2))
    assert str(problem.value) == "the model called no layer whose output is a tensor: there is nothing to draw"


def test_a_digit_on_paper_and_one_on_a_blackboard_are_the_same(tmp_path):
    """Dark on light and light on dark are read alike, and land where MNIST's digits do."""
    ink = np.zeros((60, 50), np.uint8)
    ink[10:50, 20:26] = 255
    Image.fromarray(ink).save(tmp_path / "board.png")
    Image.fromarray(255 - ink).save(tmp_path / "paper.png")
    net = ThreadNet()
    board, paper = (taken_from(str(tmp_path / f"{name}.png"), net)[0] for name in ("board", "paper"))
    assert torch.equal(board, paper) and board.shape == (1, 1, 28, 28)
    rows = (board[0, 0] > board.min() + 1e-3).any(1).nonzero().flatten()
    assert (int(rows[0]), int(rows[-1])) == (4, 23)


INPUTS = {
    "missing": ("nowhere.png", "nowhere.png does not exist"),
    "no image": ("text.png", "text.png is not an image that can be read"),
    "empty shape": ("1,0,3", "an input of 1,0,3 holds no numbers or more than 50000000"),
    "huge shape": ("99999,99999,9999", "an input of 99999,99999,9999 holds no numbers or more than 50000000"),
}


@pytest.mark.parametrize("given, sentence", INPUTS.values(), ids=INPUTS.keys())
def test_a_bad_input_is_a_sentence(tmp_path, monkeypatch, given, sentence):
    """The whole sentence."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(WhyshapeError) as problem:
        taken_from(given, ThreadNet())
    assert str(problem.value) == sentence


def test_a_bomb_is_not_unpacked(tmp_path):
    """A tiny file that promises 400 million pixels."""
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    with pytest.raises(WhyshapeError, match=r"bomb.png (has 20000 x 20000 pixels|is not an image)"):
        taken_from(str(tmp_path / "bomb.png"), ThreadNet())
