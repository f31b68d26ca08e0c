"""Who decided a number is said of numbers somebody decided, and of no others."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from whyshape import diagnose, explain
from whyshape.analyses.words import Words


def cards(model, shape) -> dict[str, dict[str, str]]:
    """The slots of every call, by operator, the first of each."""
    graph = explain(model, shape).graph
    words = Words(graph)
    found: dict[str, dict[str, str]] = {}
    for node in graph.nodes:
        found.setdefault(node.op.rpartition(".")[2], {slot: " ".join(lines) for slot, lines in words.slots(node).items()})
    return found


def test_a_factor_of_one_is_no_product():
    """Its maps are what was typed; with groups they are a product."""
    line = "up: ConvTranspose2d(8, 6, 4, 2, 1{}) > next: Conv2d(6, 3, 3)"
    told = cards(line.format(""), (1, 8, 8, 8))
    assert told["conv_transpose2d"]["MAPS"] == "6: you chose it. in_channels=8: typed, must equal the 8 maps of the input."
    assert "in_channels=6: typed, must equal the 6 maps of up." in told["conv2d"]["MAPS"]
    told = cards(line.format(", groups=2"), (1, 8, 8, 8))
    assert told["conv_transpose2d"]["MAPS"].startswith("3*2 = 6.")
    assert "typed, must equal 3*2 from up." in told["conv2d"]["MAPS"]
    assert cards("ConvTranspose2d(8, 1, 4)", (1, 8, 8, 8))["conv_transpose2d"]["MAPS"].startswith("1: you chose it.")


@pytest.mark.parametrize("tail", [[], [nn.LogSoftmax(1)], [nn.Softmax(1)], [nn.Sigmoid()], [nn.Dropout(), nn.ReLU()]])
def test_the_last_layer_is_the_task_s(tail):
    """Whatever keeps its sizes behind it; the layer before it is chosen."""
    graph = explain(nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 4), *tail), (2, 8)).graph
    words = Words(graph)
    first, last = (words.slots(node)["SIZE"][0] for node in graph.nodes if node.op == "linear")
    assert first == "6: you chose it (out_features)."
    assert last == "4: from the task, one for each answer there is to choose from (out_features, typed)."


@pytest.mark.parametrize("more", [lambda x: x.repeat(1, 2), lambda x: x.t(), lambda x: x + x[:, :1], lambda x: x.sum(1)])
def test_the_last_layer_but_one_is_not(more):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 2)

        def forward(self, x):
            return more(self.fc(x))

    assert cards(Net(), (2, 8))["linear"]["SIZE"].startswith("2: you chose it")


def test_a_result_that_another_layer_reads_too_is_chosen():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.more = nn.Linear(8, 4), nn.Linear(4, 3)

        def forward(self, x):
            made = self.fc(x)
            return made.softmax(1), self.more(made)

    assert cards(Net(), (2, 8))["linear"]["SIZE"].startswith("4: you chose it")


def test_one_picture_without_a_batch_has_maps():
    told = cards("Conv2d(16, 10, 5)", (16, 32, 32))["conv2d"]["MAPS"]
    assert "must equal the 16 maps of the input" in told
    assert "must equal the 16 numbers of the input" in cards("Linear(16, 10)", (3, 5, 16))["linear"]["SIZE"]


def test_arguments_are_written_as_they_are_typed():
    told = cards("Flatten() > Linear(1440, 1200) > Linear(1200, 10)", (1, 10, 12, 12))["linear"]
    assert "in_features=1440: typed" in told["SIZE"]
    assert "1,200: you chose it (out_features)." in told["SIZE"]


def test_first_states_are_nobody_s_choice():
    """PyTorch's layer makes them; zeros that the model's own code makes are chosen."""

    class Net(nn.Module):
        def forward(self, x):
            return x + torch.zeros(7)

    for layer in ("LSTM(10, 20)", "GRU(10, 20)", "LSTMCell(10, 20)"):
        told = cards(layer, (5, 10))["zeros"]["SIZE"]
        assert told.endswith(f"made here by {layer.partition('(')[0]} itself."), told
        assert "chose" not in told
    lstm = explain(nn.LSTM(10, 20), (5, 2, 10))
    assert "1x2x20: made here by LSTM itself." in lstm.text()
    assert "made here" in lstm.text(depth=2)
    assert "chosen" not in lstm.to_dict()["layers"][0]["who"].values()
    assert [where for where in lstm.why(20).to_dict()["reasons"] if where["where"].startswith("zeros")] == []
    assert cards(Net(), (2, 7))["zeros"]["SIZE"].startswith("7: you chose it (size")


def test_rows_of_the_batch_are_named():
    class Net(nn.Module):
        def forward(self, x):
            return x.view(-1, 20)

    assert cards(Net(), (2, 5, 4))["view"]["SIZE"].startswith("batch: floor((2*5*4)/20) = 2 20: you chose it")


@pytest.mark.parametrize(
    "line, said",
    [
        (lambda x: x.unsqueeze(-1), "an axis of 1 is added: 2x1x7 -> 2x1x7x1."),
        (lambda x: x.squeeze(1), "an axis of 1 is taken out: 2x1x7 -> 2x7."),
        (lambda x: x[None, ..., None], "2 axes of 1 are added: 2x1x7 -> 1x2x1x7x1."),
        (lambda x: x[:, 0], "an axis of 1 is taken out: 2x1x7 -> 2x7."),
        (lambda x: x[..., 0], "2x1: carried over from what comes in."),
    ],
)
def test_axes_of_one(line, said):
    class Net(nn.Module):
        def forward(self, x):
            return line(x)

    assert next(iter(cards(Net(), (2, 1, 7)).values()))["SIZE"] == said


class Read(nn.Module):
    """A sequence read by an LSTM whose batch stands where it is told."""

    def __init__(self, batch_first, turned):
        super().__init__()
        self.turned = turned
        self.lstm = nn.LSTM(10, 20, batch_first=batch_first)

    def forward(self, x):
        return self.lstm(x.transpose(0, 1) if self.turned else x)[0]


@pytest.mark.parametrize(
    "model, shape, chain",
    [
        (Read(False, False), (5, 2, 10), ["5x2x10", "5x2x20"]),
        (Read(True, False), (2, 5, 10), ["5x10", "5x20"]),
        (Read(True, True), (5, 2, 10), ["5x2x10", "2x5x10", "2x5x20"]),
        (Read(False, True), (5, 5, 10), ["5x10", "5x20"]),  # turned before it is read: what comes in has its batch in front
        ("MultiheadAttention(16, 4)", (5, 2, 16), ["5x2x16"]),
        ("Linear(10, 20)", (5, 2, 10), ["2x10", "2x20"]),
    ],
)
def test_only_a_batch_in_front_is_left_out(model, shape, chain):
    answer = explain(model, shape)
    assert answer.chain == " -> ".join(chain)
    if len(chain[0].split("x")) == 3 and len(chain) == 2:
        assert f"{chain[0]} and 1x2x20 and 1x2x20 -> {chain[1]}, 1x2x20, 1x2x20" in answer.text()


def test_a_global_pool_of_a_file_was_not_chosen(tmp_path):
    """ONNX says no size there: one number of each map is all there can be."""
    onnx = pytest.importorskip("onnx")
    made = onnx.helper.make_graph(
        [onnx.helper.make_node("GlobalAveragePool", ["x"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 7, 7])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
    )
    onnx.save(onnx.helper.make_model(made), tmp_path / "gap.onnx")
    said = cards(str(tmp_path / "gap.onnx"), None)["adaptive_avg_pool2d"]["SIZE"]
    assert said == "1: found, not typed (output_size): GlobalAveragePool keeps one number of each map."


def test_sizes_alike_are_said_once():
    assert cards("AdaptiveAvgPool2d(6)", (1, 3, 12, 12))["adaptive_avg_pool2d"]["SIZE"].count("6: you chose it") == 1
    assert cards("AdaptiveAvgPool2d((6, 4))", (1, 3, 12, 12))["adaptive_avg_pool2d"]["SIZE"].count("you chose it") == 2


def test_a_diagnosis_multiplies_by_no_one():
    told = str(diagnose(nn.Sequential(nn.ConvTranspose2d(8, 6, 4), nn.Conv2d(5, 3, 3)), (1, 8, 8, 8)))
    assert "6 is chosen: out_channels of 0" in told
    assert "6*1" not in told and "groups" not in told


class Stem(nn.Module):
    """A picture cut into patches, a class token in front, as vision transformers begin."""

    def __init__(self):
        super().__init__()
        self.patches, self.token = nn.Conv2d(3, 8, 4, 4), nn.Parameter(torch.zeros(1, 1, 8))

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        return torch.cat([self.token.expand(len(x), -1, -1), x], 1)


class Down(nn.Module):
    """A U of one level: the skip is joined first."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(8, 2, 1)

    def forward(self, x):
        skip = self.left(x)
        return self.right(torch.cat([skip, nn.functional.interpolate(nn.functional.max_pool2d(skip, 2), scale_factor=2)], 1))


class Timed(nn.Module):
    """A time beside the picture, worked on longer than the picture."""

    def __init__(self):
        super().__init__()
        self.time, self.conv = nn.Sequential(*[nn.Linear(4, 4) for _ in range(5)]), nn.Conv2d(3, 4, 3)

    def forward(self, x, t):
        return self.conv(x) + self.time(t)[:, :, None, None]


@pytest.mark.parametrize(
    "model, shapes, chain",
    [
        (Stem(), (1, 3, 8, 8), "3x8x8 -> 8x2x2 -> 8x4 -> 4x8 -> 5x8"),
        (Down(), (1, 3, 8, 8), "3x8x8 -> 4x8x8 -> 4x4x4 -> 4x8x8 -> 8x8x8 -> 2x8x8"),
        (Timed(), [(2, 3, 8, 8), (2, 4)], "3x8x8 -> 4x6x6"),
        (nn.Sequential(*[nn.Sequential(nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 2)) for _ in range(9)]), (1, 3, 28, 28),
         "3x28x28 -> " + " -> ".join(f"3x{n}x{n}" for n in range(25, 0, -3))),
    ],
    ids=["from the picture, not from the token", "down to the bottom of a U", "from the first input", "of many sizes those that leave its parts"],
)  # fmt: skip
def test_the_chain_is_the_way_through_the_most_calls(model, shapes, chain):
    """From the input to the output; skips, tokens and conditions join it and do not lead it."""
    assert explain(model, shapes).chain == chain
