"""`value` opens a number into the numbers it is made of, and their sum is PyTorch's."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call

from whyshape.errors import ModelError, WhyshapeError
from whyshape.lab.network import ThreadNet
from whyshape.lab.opened import KINDS
from whyshape.lab.record import calls
from whyshape.lab.value_text import text
from whyshape.lab.values import value

MODELS = {  # twenty models: every kind of layer, and its settings
    "the thread": (lambda: ThreadNet(), (2, 1, 28, 28)),
    "same, even kernel": (lambda: nn.Conv2d(3, 8, 4, padding="same"), (1, 3, 9, 11)),
    "same, dilated": (lambda: nn.Conv1d(2, 4, 4, padding="same", dilation=3), (1, 2, 20)),
    "valid": (lambda: nn.Conv2d(1, 2, (1, 3), padding="valid"), (1, 1, 5, 6)),
    "stride padding dilation": (lambda: nn.Conv2d(4, 6, (3, 5), stride=(2, 1), padding=(3, 2), dilation=(2, 1)), (1, 4, 13, 12)),
    "groups": (lambda: nn.Conv2d(8, 12, 3, groups=4, padding=1), (1, 8, 6, 6)),
    "depthwise": (lambda: nn.Conv1d(6, 12, 5, groups=6, bias=False), (1, 6, 30)),
    "reflect": (lambda: nn.Conv2d(2, 3, 5, padding=2, padding_mode="reflect"), (1, 2, 7, 8)),
    "replicate": (lambda: nn.Conv3d(2, 3, 3, padding=2, padding_mode="replicate"), (1, 2, 4, 5, 6)),
    "circular": (lambda: nn.Conv1d(2, 3, 4, padding="same", padding_mode="circular"), (1, 2, 9)),
    "3d": (lambda: nn.Conv3d(2, 4, (2, 3, 2), stride=2, padding=1), (1, 2, 5, 6, 7)),
    "transposed": (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), (1, 4, 5, 6)),
    "transposed 1d, 3d": (
        lambda: nn.Sequential(nn.ConvTranspose1d(3, 2, 4, stride=3, dilation=2), nn.Unflatten(1, (1, 2)), nn.ConvTranspose2d(1, 2, 2)),
        (1, 3, 6),
    ),
    "max pools": (lambda: nn.Sequential(nn.MaxPool2d(3, 2, padding=1, ceil_mode=True), nn.MaxPool2d(2, 1, dilation=2)), (1, 3, 11, 12)),
    "mean pools": (
        lambda: nn.Sequential(
            nn.AvgPool2d(3, 2, padding=1, ceil_mode=True),
            nn.AvgPool2d(2, 1, padding=1, count_include_pad=False),
            nn.AvgPool2d(2, divisor_override=3),
        ),
        (1, 3, 11, 12),
    ),
    "pools 1d": (lambda: nn.Sequential(nn.AvgPool1d(3, 2, padding=1), nn.MaxPool1d(2), nn.AdaptiveAvgPool1d(3)), (1, 3, 31)),
    "pools 3d": (lambda: nn.Sequential(nn.MaxPool3d(2, 1), nn.AvgPool3d(2, padding=1), nn.AdaptiveMaxPool3d(2)), (1, 2, 5, 6, 7)),
    "adaptive": (lambda: nn.Sequential(nn.AdaptiveAvgPool2d((5, None)), nn.AdaptiveMaxPool2d(3)), (1, 3, 7, 8)),
    "batch norms": (
        lambda: nn.Sequential(
            nn.BatchNorm2d(3), nn.ReLU(), nn.BatchNorm2d(3, affine=False), nn.LeakyReLU(0.2), nn.BatchNorm2d(3, track_running_stats=False)
        ),
        (4, 3, 5, 6),
    ),
    "linear": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(60, 9), nn.BatchNorm1d(9), nn.Sigmoid(), nn.Linear(9, 4, bias=False), nn.Tanh()),
        (3, 3, 4, 5),
    ),
}


def made(name: str) -> tuple[nn.Module, torch.Tensor]:
    """The model with random weights, and running statistics that are not 0 and 1."""
    torch.manual_seed(sum(map(ord, name)))
    build, shape = MODELS[name]
    model = build()
    if not list(model.children()):
        model = nn.Sequential(model)
    for module in model.modules():
        if getattr(module, "running_mean", None) is not None:
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            if module.weight is not None:
                nn.init.normal_(module.weight)
                nn.init.normal_(module.bias)
    return model, torch.randn(shape)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # PyTorch's word on speed
@pytest.mark.parametrize("name", MODELS)
def test_fifty_random_cells_of_each_model_equal_pytorch(name):
    """A thousand cells over twenty models: to 1e-5 relative of the layer in double precision, and of what the model said."""
    model, x = made(name)
    seen = [call for call in calls(model, x) if type(call.module) in KINDS]
    random = np.random.default_rng(0)
    model.eval()
    for i in range(50):
        call = seen[i % len(seen)]
        at = tuple(int(random.integers(n)) for n in call.output.shape[1:])
        got = value(model, call.path, at, x)
        double = {k: t.double() if t.is_floating_point() else t for k, t in call.module.state_dict().items()}
        exact = float(functional_call(call.module, double, call.input.double())[(0, *at)])
        assert got.result == pytest.approx(exact, rel=1e-5, abs=1e-30), (call.path, at)
        assert got.torch == float(call.output[(0, *at)]) and got.equal, (call.path, at)


def test_every_kind_is_in_the_twenty_models():
    """No kind of layer is opened without being compared (the rest are the same code in another number of axes)."""
    inside = {type(m) for name in MODELS for m in made(name)[0].modules()}
    left = {kind.__name__ for kind in KINDS if kind not in inside}
    copies = {"Identity", "Dropout1d", "Dropout2d", "Dropout3d"}
    assert left == copies | {"ConvTranspose3d", "AdaptiveMaxPool1d", "AdaptiveAvgPool3d", "BatchNorm3d"}


def test_equal_is_false_when_the_sum_is_wrong(monkeypatch):
    """The check can fail: a wrong rule for padding is noticed."""
    from whyshape.lab import cells, opened

    monkeypatch.setattr(opened, "read_by", lambda place, n, k, s, before, d, mode="zeros": cells.read_by(place, n, k, s, before + 1, d))
    model, x = made("groups")
    assert not value(model, "0", (3, 2, 2), x).equal


def test_the_channel_sums_and_the_bias_add_up():
    """conv_2: ten maps, 25 products each; what is printed adds up to what is printed."""
    model, x = made("the thread")
    got = value(model, "conv.conv_2", (3, 5, 7), x)
    assert [len(part.terms) for part in got.opened.parts] == [25] * 10
    assert sum(part.total for part in got.opened.parts) + got.opened.bias == pytest.approx(got.result, rel=1e-12)
    for term in got.opened.parts[4].terms:
        assert term.at[1] == 4 and 5 <= term.at[2] <= 9 and 7 <= term.at[3] <= 11


def test_the_first_of_equal_numbers_wins():
    """As in PyTorch, whose indices are the oracle."""
    x = torch.tensor([[[[1.0, 3.0], [3.0, 2.0]]]])
    got = value(nn.Sequential(nn.MaxPool2d(2)), "0", (0, 0, 0), x)
    index = nn.functional.max_pool2d(x, 2, return_indices=True)[1]
    assert got.opened.winner.at == (0, 0, *divmod(int(index), 2))


def test_where_flatten_puts_each_cell():
    """The place named is where the number stands in what fc1 took; and fc1's terms name the cell they came from."""
    model, x = made("the thread")
    seen = {call.path: call for call in calls(model, x)}
    for at in [(0, 0, 0), (8, 1, 1), (19, 3, 3)]:
        got = value(model, "conv.relu_2", at, x)
        assert got.flat == at[0] * 16 + at[1] * 4 + at[2]
        assert seen["fc.fc1"].input[0, got.flat] == seen["conv.relu_2"].output[(0, *at)]
    fc1 = value(model, "fc.fc1", 7, x)
    assert fc1.source(fc1.opened.parts[0].terms[133]) == "map 8, row 1, column 1 of conv.relu_2"
    assert value(model, "conv.conv_1", (0, 0, 0), x).flat is None


def test_the_strongest_and_the_rest_are_all():
    """Ten positive, ten negative, the others' sum and the bias make the result."""
    model, x = made("the thread")
    got = value(model, "fc.fc1", 7, x)
    positive, negative, others = got.strongest(10)
    assert len(positive) == len(negative) == 10
    shown = sum(t.product for t in positive + negative)
    assert shown + others + got.opened.bias == pytest.approx(got.result, abs=1e-9)
    rest = [t.product for t in got.opened.parts[0].terms if t not in positive + negative]
    assert max(rest) <= positive[-1].product and min(rest) >= negative[-1].product


def test_the_model_is_left_as_it_was():
    """Modes, hooks and running statistics."""
    model, x = made("batch norms")
    model.train()
    model[0].eval()
    before = {k: t.clone() for k, t in model.state_dict().items()}
    value(model, "2", (0, 0, 0), x)
    assert [m.training for m in model] == [False, True, True, True, True]
    assert not any(m._forward_hooks for m in model.modules())
    assert all(torch.equal(before[k], t) for k, t in model.state_dict().items())


def test_json_says_what_the_object_says():
    """One round through JSON."""
    model, x = made("max pools")
    got = value(model, "0", (1, 0, 0), x)
    told = json.loads(got.to_json())
    assert told["schema"] == "whyshape.value.v1" and told["equal"] is True
    assert told["winner"] == list(got.opened.winner.at)
    assert told["result"] == max(t["product"] for t in told["parts"][0]["terms"])


SENTENCES = {
    "no such layer": ("conv.conv_9", (0, 0, 0), "there is no layer 'conv.conv_9': name one of conv.conv_1, "),
    "a room, not a layer": ("conv", (0, 0, 0), "conv holds other layers or was not called: name one of conv.conv_1, "),
    "too few": ("conv.conv_2", (3, 5), "conv.conv_2 gives 20 x 8 x 8 for each input, so places go from 0,0,0 to 19,7,7; 3,5 is not one"),
    "outside": ("fc.fc2", (10,), "fc.fc2 gives 10 for each input, so places go from 0 to 9; 10 is not one"),
    "negative": ("fc.fc2", (-1,), "fc.fc2 gives 10 for each input, so places go from 0 to 9; -1 is not one"),
}


@pytest.mark.parametrize("layer, at, sentence", SENTENCES.values(), ids=SENTENCES.keys())
def test_a_wrong_place_is_a_sentence(layer, at, sentence):
    """What was asked, and what could be."""
    model, x = made("the thread")
    with pytest.raises(WhyshapeError) as problem:
        value(model, layer, at, x)
    assert str(problem.value).startswith(sentence)
    assert sentence.endswith(", ") or str(problem.value) == sentence


def test_a_layer_that_is_not_opened_is_a_sentence():
    """Softmax."""
    with pytest.raises(WhyshapeError, match=r"^0 is a Softmax, which is not opened; what is: AdaptiveAvgPool1d, "):
        value(nn.Sequential(nn.Softmax(1)), "0", 0, torch.ones(1, 3))


def test_a_model_that_does_not_run_is_a_sentence():
    """With what it was given."""
    with pytest.raises(ModelError) as problem:
        value(ThreadNet(), "fc.fc1", 0, torch.zeros(1, 1, 32, 32))
    assert str(problem.value) == ("the model does not run on 1x1x32x32: mat1 and mat2 shapes cannot be multiplied (1x500 and 320x50)")


def test_a_window_of_five_fits_the_screen():
    """The kernels of the thread's network, five products side by side."""
    told = text(value(nn.Sequential(nn.Conv2d(1, 1, 5)), "0", (0, 0, 0), 9.9 * torch.ones(1, 1, 5, 5)))
    assert max(map(len, told.splitlines())) <= 100 and told.count(" * ") == 25


def test_the_text_of_a_small_sum():
    """The whole text, by hand: 2 maps, 1 x 2 kernel, one cell of padding."""
    conv = nn.Conv2d(2, 1, (1, 2), padding=(0, 1))
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([1.0, 2.0, -1.0, 0.5]).view(1, 2, 1, 2))
        conv.bias.fill_(0.25)
    x = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    assert text(value(nn.Sequential(conv), "0", (0, 0, 0), x), open_parts=[1]).splitlines() == [
        "0 (Conv2d), map 0, row 0, column 0:  8.250000",
        "",
        "It reads the same window on 2 maps, 2 products each: 4 products are added to one number.",
        "The window covers row 0, column 0; 1 of its cells is padding.",
        "",
        "  map 0       2 products  +6.000000",
        "  map 1       2 products  +2.000000",
        "          pad * -1.0000  +4.0000 * +0.5000",
        "  bias                    +0.250000",
        "",
        "added up here  +8.250000",
        "PyTorch says   +8.250000   equal, the difference is 0.0e+00",
    ]
