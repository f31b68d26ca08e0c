"""Is this `.keras` file that PyTorch model? Its translation is compared, sizes and the values of the weights, or both are run."""

import keras
import pytest
import torch
from torch import nn

from whyshape.analyses.compare import compare
from whyshape.analyses.translate import translate
from whyshape.cli import main
from whyshape.errors import WhyshapeError
from whyshape.lab.network import ThreadNet

L = keras.layers


def net(slope=0.1):
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.LeakyReLU(slope), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(6 * 4 * 5, 7),
        nn.LayerNorm(7), nn.Linear(7, 2),
    )  # fmt: skip


def drawn(model):
    torch.manual_seed(0)
    with torch.no_grad():
        for name, tensor in (*model.named_parameters(), *model.named_buffers()):
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5) if "var" in name else tensor.normal_(0, 0.4)
    return model.eval()


CASES = {"images": (net, (1, 3, 10, 12)), "the thread": (ThreadNet, (1, 1, 28, 28)),
         "attention": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (1, 5, 8))}  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    """A PyTorch model, the file of its Keras twin, the input."""
    make, size = CASES[request.param]
    model = drawn(make())
    path = tmp_path_factory.mktemp("twin") / "net.keras"
    translate(model, "keras", size).model.save(path)
    return model, str(path), size


def test_the_same_network(case):
    """Weights by value through the same moves as translate; and run on the same numbers."""
    model, path, size = case
    found = compare(path, model, size, weights="inline")
    assert found.equal and not found.weights.unread and found.weights.equal >= 4, found.verdict
    ran = compare(model, path, size, run=True)
    assert ran.equal and ran.run.largest > 1e-2, ran.verdict
    assert found.names[0] == "net.keras"


def test_one_weight_changed(case):
    """One row of the last matrix: not the same, and its layer is named."""
    model, path, size = case
    at, last = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear)][-1]
    with torch.no_grad():
        last.weight[1] += 1.0
    try:
        found, ran = compare(path, model, size, weights="inline"), compare(path, model, size, run=True)
    finally:
        with torch.no_grad():
            last.weight[1] -= 1.0
    assert not found.equal and [c.place for c in found.weights.differ] == [at]
    assert not ran.equal


def test_without_the_weights(tmp_path):
    """Sizes and costs agree and the values were not compared; a slope nobody sees in the sizes is told apart."""
    translate(net(), "keras", (1, 3, 10, 12)).model.save(tmp_path / "net.keras")
    path = str(tmp_path / "net.keras")
    found = compare(path, net(), (1, 3, 10, 12))
    assert found.equal and found.verdict.endswith("the values of their weights were not compared.")
    other = compare(path, net(0.2), (1, 3, 10, 12))
    assert [(c.kind, c.what) for c in other.changes] == [("changed", ("negative_slope",))]


def test_no_translation_no_answer():
    """Said with the layer."""
    live = keras.Sequential([keras.Input((6, 5)), L.LSTM(4, name="memory", activation="elu")])
    with pytest.raises(WhyshapeError, match=r"and this one has none: memory \(LSTM\): PyTorch's LSTM has no activation 'elu'"):
        compare(live, nn.Linear(5, 4), (1, 6, 5))


def test_the_command_line(tmp_path, capsys):
    """`compare net.keras net.py:net`: sizes in PyTorch's order, exit code 0 for the same and 1 for another."""
    model = drawn(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 8 * 9, 2)))
    translate(model, "keras", (1, 3, 10, 11)).model.save(tmp_path / "net.keras")
    torch.save(model.state_dict(), tmp_path / "net.pt")
    (tmp_path / "net.py").write_text(
        "import torch\nfrom torch import nn\nnet = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 2))\n"
        f"net.load_state_dict(torch.load({str(tmp_path / 'net.pt')!r}))\nother = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 2))\n"
    )  # fmt: skip
    words = ["compare", str(tmp_path / "net.keras"), f"{tmp_path / 'net.py'}:net", "--input", "1,3,10,11"]
    assert main([*words, "--weights"]) == 0
    assert "the weights of 2 layers are equal (largest difference 0)" in " ".join(capsys.readouterr().out.split())
    assert main([*words, "--run"]) == 0
    assert main([*words[:2], f"{tmp_path / 'net.py'}:other", *words[3:], "--weights"]) == 1


@pytest.mark.parametrize("tail", [
    lambda x: x,
    lambda x: L.Concatenate()([x, x]),
    lambda x: L.Dense(3)(L.BatchNormalization()(x)),
    lambda x: L.Dense(3)(L.Softmax()(L.ReLU()(x))),
    lambda x: L.Reshape((3, 24))(x),
    lambda x: L.Add()([L.Dense(5)(x), L.Dense(5)(L.Dropout(0.5)(x))]),
    lambda x: keras.Sequential([keras.Input((72,)), L.Dense(4, activation="relu"), L.Dense(2)])(x),
], ids=["output", "concatenate", "norm", "softmax", "reshape", "two readers", "a model"])  # fmt: skip
def test_whoever_reads_a_flattened_image_gets_its_order(tail):
    """A Dense is given its rows in PyTorch's order, anything else Keras' order: the same numbers."""
    x = keras.Input((5, 6, 2))
    model = keras.Model(x, tail(L.Flatten()(L.Conv2D(6, 3)(x))))
    for weight in model.weights:
        if len(weight.shape) == 1:
            weight.assign(torch.rand(tuple(weight.shape)) + 0.5)
    made = translate(model, "torch")
    assert not made.missing and made.largest_value > 1e-2 and made.largest_difference <= 1e-5, made


def test_a_dense_that_meets_two_kinds_of_rows():
    """One matrix cannot have its rows in two orders: said."""
    a, b = keras.Input((3, 4, 2)), keras.Input((24,))
    shared = L.Dense(3, name="shared")
    made = translate(keras.Model([a, b], [shared(L.Flatten()(L.ReLU()(a))), shared(b)]), "torch")
    assert made.missing == ("shared (Dense): it is called on flattened images of several sizes, or on one and on something else",)
