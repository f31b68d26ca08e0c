"""Numbers nobody typed: lazy layers and open numbers in notation, what they became and why."""

import pytest
import torch
from torch import nn

from whyshape import accepts, explain
from whyshape.errors import WhyshapeError

CONVOLUTIONS = [nn.LazyConv1d, nn.LazyConv2d, nn.LazyConv3d, nn.LazyConvTranspose1d, nn.LazyConvTranspose2d, nn.LazyConvTranspose3d]
LINE = "Conv2d(1, 10, 5) > MaxPool2d(2) > Conv2d(10, 20, 5) > MaxPool2d(2) > Flatten > Linear(?, 50) > Linear(?, 10)"


def lazy_net():
    """The thread's network, its incoming numbers left to PyTorch."""
    return nn.Sequential(
        nn.LazyConv2d(10, 5), nn.MaxPool2d(2), nn.LazyConv2d(20, 5), nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(50), nn.LazyLinear(10)
    )  # fmt: skip


def test_lazy_layers_say_what_they_found():
    """The number and why, in words and as data; nobody is told to have typed it."""
    told = explain(lazy_net(), (1, 1, 28, 28))
    assert told.to_dict()["notes"] == [
        "0.in_channels: LazyConv2d found 1, the 1 map of the input",
        "2.in_channels: LazyConv2d found 10, the 10 maps of 0",
        "5.in_features: LazyLinear found 320 = 20*4*4 from 4",
        "6.in_features: LazyLinear found 50, the 50 numbers of 5",
    ]
    assert all(note in told.text() for note in told.to_dict()["notes"])
    assert "in_features=320: found, not typed: it must equal 20*4*4 from 4." in told.text()
    assert "typed, must equal" not in told.text()
    assert told.to_dict()["layers"][5]["who"]["in_features"] == "found, must equal 320"
    for what in (320, "5.in_features"):
        why = str(told.why(what))
        assert "LazyLinear found 320" in " ".join(why.split()) and "You typed" not in why


def test_a_typed_number_is_still_typed():
    """The same network with its numbers written out."""
    told = explain("Flatten > Linear(784, 50)", (1, 1, 28, 28))
    assert told.to_dict()["notes"] == [] and told.to_dict()["layers"][1]["who"]["in_features"] == "typed, must equal 784"
    assert "You typed 784" in " ".join(str(told.why(784)).split())


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_lazy_convolutions(kind):
    """Each takes the channels that come in, as PyTorch's own first call does; the user's model stays lazy."""
    rank = int(kind.__name__[-2])
    net = nn.Sequential(kind(4, 3))
    shape = (1, 6, *(9,) * rank)
    assert explain(net, shape).to_dict()["notes"] == [f"0.in_channels: {kind.__name__} found 6, the 6 maps of the input"]
    assert net[0].has_uninitialized_params() and type(net[0]) is kind
    net(torch.zeros(shape))
    assert net[0].in_channels == 6


def test_the_users_model_stays_lazy():
    """Through explain, why and accepts; afterwards its own first call decides, as ever."""
    net = lazy_net()
    explain(net, (1, 1, 28, 28)).why(320)
    accepts(net, ("N", 1, "H", "W"))
    assert [type(m).__name__ for m in net] == ["LazyConv2d", "MaxPool2d", "LazyConv2d", "MaxPool2d", "Flatten", "LazyLinear", "LazyLinear"]
    assert all(m.has_uninitialized_params() for m in net if hasattr(m, "has_uninitialized_params"))
    net(torch.zeros(1, 1, 32, 32))
    assert net[5].in_features == 500


@pytest.mark.parametrize("make, which", [(lazy_net, "LazyLinear"), (lambda: LINE, "Linear(?, 50)")])
def test_accepts_after_a_first_input(make, which):
    """What was open is settled by the first input, which is said; then the set is exact."""
    found = accepts(make(), (1, 1, "H", "W"))
    assert found.proved and found.checked and found.square().to_dict() == {"runs": [[28, 31]], "from": None}
    assert (
        found.notes[0] == f"{which} took what comes in from the first input, here H=28, W=28; after another first input the set is another."
    )


@pytest.mark.parametrize("text, shape, chain, notes", [
    (LINE, (1, 1, 28, 28), "1x28x28 -> 10x24x24 -> 10x12x12 -> 20x8x8 -> 20x4x4 -> 320 -> 50 -> 10",
     ["5.in_features: Linear(?, 50) found 320 = 20*4*4 from 4", "6.in_features: Linear(?, 10) found 50, the 50 numbers of 5"]),
    ("Conv2d(1, 20, 5) > AdaptiveAvgPool2d(?) > Flatten > Linear(320, 50)", (1, 1, 28, 28), "1x28x28 -> 20x24x24 -> 20x4x4 -> 320 -> 50",
     ["1: output_size = 4, the only number that fits: 3 (Linear) wants 20*output_size*output_size = 320"]),
    ("Conv2d(1, 10, 5) > MaxPool2d(?)", (1, 1, 28, 28), "1x28x28 -> 10x24x24 -> 10x8x8",
     ["1: kernel_size = 3, the usual one of those that fit, 1..24"]),
    ("Conv2d(1, 10, 5) > MaxPool2d(?) > Flatten > Linear(1440, 5)", (1, 1, 28, 28), "1x28x28 -> 10x24x24 -> 10x12x12 -> 1440 -> 5",
     ["1: kernel_size = 2, the only number that fits: 3 (Linear) wants kernel_size 2"]),
    ("Conv2d(?, ?, 5)", (1, 3, 28, 28), "3x28x28 -> 16x24x24",
     ["0: out_channels = 16, one of those that fit beside the other numbers, any number from 1 up",
      "0.in_channels: Conv2d(?, 16, 5) found 3, the 3 maps of the input"]),
    ("Conv2d(1, 1, ?, stride=?)", (1, 1, 28, 28), "1x28x28 -> 1x26x26",
     ["0: kernel_size = 3, the usual one of those that fit beside the other numbers, 1..28",
      "0: stride = 1, the usual one of those that fit beside the other numbers, any number from 1 up"]),
    ("AdaptiveAvgPool2d(?) > Flatten > Linear(50, 5)", (2, 9, 9), "2x9x9 -> 2x5x5 -> 50 -> 5",
     ["0: output_size = 5, the only number that fits: 2 (Linear) wants 2*output_size*output_size = 50", "2,9,9 has no batch axis; a batch of 1 was put in front."]),
])  # fmt: skip
def test_open_numbers_in_notation(text, shape, chain, notes):
    """What comes in decides, or what follows does, or what most networks use; each is said."""
    told = explain(text, shape)
    assert told.chain == chain and told.problem is None
    assert told.to_dict()["notes"] == notes


@pytest.mark.parametrize("text, layer, knob, card, who", [
    ("Conv2d(1, 20, 5) > AdaptiveAvgPool2d(?) > Flatten > Linear(320, 50)", 1, "output_size",
     "4: found, not typed (output_size): the only number that fits: 3 (Linear) wants 20*output_size*output_size = 320.",
     "found, the only number that fits: 3 (Linear) wants 20*output_size*output_size = 320"),
    ("Conv2d(1, ?, 3) > PixelShuffle(2) > Conv2d(3, 1, 1)", 0, "out_channels",
     "12: found, not typed: the only number that fits: 1 (PixelShuffle) wants out_channels multiples of 4 and 2 (Conv2d) wants out_channels 12..15.",
     "found, the only number that fits: 1 (PixelShuffle) wants out_channels multiples of 4 and 2 (Conv2d) wants out_channels 12..15"),
    ("Flatten > Linear(784, ?)", 1, "out_features",
     "10: found, not typed (out_features): one of those that fit, any number from 1 up.", "found, one of those that fit, any number from 1 up"),
    ("Flatten > Linear(in_features=?, out_features=50)", 1, "in_features", "in_features=784: found, not typed: it must equal 1*28*28 from 0.",
     "found, must equal 784"),
    ("Conv2d(1, 4, 3) > Conv2d(4, 2, ?)", 1, "kernel_size[0]", "", "found, the usual one of those that fit, 1..26"),
])  # fmt: skip
def test_the_layer_says_that_its_number_was_found(text, layer, knob, card, who):
    """On its card, in the data and to `why`: nobody chose or typed it."""
    told = explain(text, (1, 1, 28, 28))
    one = told.to_dict()["layers"][layer]
    assert one["who"][knob] == who
    words = " ".join(told.text().split())
    assert card in words
    name = knob.partition("[")[0]
    assert f"you chose it ({name})" not in words
    why = " ".join(str(told.why(f"{layer}.{name}")).split())
    assert "found" in why and "chosen" not in why and "You typed" not in why


def test_a_chosen_number_stays_chosen_beside_a_found_one():
    """Only the open number is found: the same layer's typed ones are yours."""
    who = explain("Conv2d(1, 4, ?)", (1, 1, 28, 28)).to_dict()["layers"][0]["who"]
    assert who["kernel_size[0]"].startswith("found") and who["stride[0]"] == "chosen"


@pytest.mark.parametrize("text, said", [
    ("AdaptiveAvgPool2d(?) > Flatten > Linear(51, 5)",
     "no number fits: 2 (Linear) wants output_size*output_size = 51, which no size meets"),
    ("Linear(3, ?)", "no number fits: 0 (Linear) refuses every size: 3 features are wanted on the last axis, 28 arrive"),
])  # fmt: skip
def test_nothing_fits(text, said):
    """The demand that nothing meets."""
    with pytest.raises(WhyshapeError) as caught:
        explain(text, (1, 1, 28, 28))
    assert str(caught.value) == said
