"""Is this `.keras` file that PyTorch model? Its translation is compared, sizes and the values of the weights, or both are run."""

import json
import re
from collections import OrderedDict

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
    """`compare net.keras net.py:net`: exit code 0 for the same and 1 for another."""
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


def keras_net(maps=20):
    return keras.Sequential([keras.Input((28, 28, 1)), L.Conv2D(10, 5, name="first"), L.MaxPooling2D(2), L.Conv2D(maps, 5, name="second"),
                             L.Flatten(), L.Dense(10, name="last")])  # fmt: skip


def rows(text):
    """The table of changes: its head and its rows, cell by cell, by where the head's words begin."""
    lines = text[text.index("change ") :].split("\n\n")[0].splitlines()
    starts = [m.start() for m in re.finditer(r"(?<=  )\S|^\S", lines[0])]
    cut = lambda line: [line[i:j].strip() for i, j in zip(starts, [*starts[1:], None])]
    return cut(lines[0]), [cut(line) for line in lines[2:] if line[:1] not in "-S"]


def test_each_side_in_its_own_order(tmp_path):
    """The Keras side has the shapes of its own layers, whether it stands first or second; the PyTorch side those of its modules."""
    live = keras_net()
    theirs = {
        "first": nn.Conv2d(1, 12, 5),
        "pool": nn.MaxPool2d(2),
        "second": nn.Conv2d(12, 20, 5),
        "flat": nn.Flatten(),
        "last": nn.Linear(1280, 10),
    }
    other, measured = nn.Sequential(OrderedDict(theirs)), {}
    for name, module in other.named_children():
        module.register_forward_hook(lambda m, args, out, name=name: measured.update({name: "x".join(map(str, out.shape))}))
    other(torch.zeros(1, 1, 28, 28))
    own = {layer.name: "x".join(map(str, (1, *layer.output.shape[1:]))) for layer in live.layers}
    for both in (False, True):
        head, told = rows(str(compare(live, other, (1, 1, 28, 28))._replace(both=both)))
        at = {row[1]: row for row in told}
        assert at["first"][3] == own["first"] == "1x24x24x10" and at["first"][-2 - both] == measured["first"] == "1x12x24x24"
        assert at["second"][3] == own["second"] and at["second"][-2 - both] == measured["second"]
        assert head[3:] == [live.name, *["in PyTorch"][:both], "Sequential", *["in Keras"][:both], "what differs"]
        if both:
            assert (at["first"][4], at["first"][6]) == ("1x10x24x24", "1x24x24x12")
    turned = compare(other, live, (1, 1, 28, 28))
    at = {row[1]: row for row in rows(str(turned))[1]}
    assert at["first"][3:5] == ["1x12x24x24", "1x24x24x10"]
    said = f"Sizes of {live.name} stand in Keras' order, maps last; it is compared as its translation to PyTorch."
    assert said in " ".join(str(turned).split())
    data = {change["after"]["path"]: change for change in turned.to_dict()["changes"]}
    assert data["first"]["after"]["output"] == (1, 10, 24, 24) and data["first"]["there"] == {
        "before": [1, 24, 24, 12],
        "after": [1, 24, 24, 10],
    }


def test_two_of_one_framework(tmp_path, capsys):
    """Each in its framework's order; --keras and --torch put the other order beside it."""
    keras_net().save(tmp_path / "a.keras"), keras_net(30).save(tmp_path / "b.keras")
    words = ["compare", str(tmp_path / "a.keras"), str(tmp_path / "b.keras")]
    assert main(words) == 1
    at = {row[1]: row for row in rows(capsys.readouterr().out)[1]}
    assert at["second"][3:5] == ["1x8x8x20", "1x8x8x30"]
    assert main([*words, "--torch"]) == 1
    out = capsys.readouterr().out
    at = {row[1]: row for row in rows(out)[1]}
    assert at["second"][3:7] == ["1x8x8x20", "1x20x8x8", "1x8x8x30", "1x30x8x8"] and "stand in Keras' order" not in out
    words = ["compare", "Conv2d(1, 8, 3) > ReLU", "Conv2d(1, 6, 3) > ReLU", "--input", "1,1,8,9"]
    assert main([*words, "--keras", "--json"]) == 1
    (one, two) = json.loads(capsys.readouterr().out)["changes"]
    assert one["there"] == {"before": [1, 6, 7, 8], "after": [1, 6, 7, 6]} and two["there"] == one["there"]
    assert main([*words, "--keras"]) == 1
    assert rows(capsys.readouterr().out)[1][0][3:7] == ["1x8x6x7", "1x6x7x8", "1x6x6x7", "1x6x7x6"]


@pytest.mark.parametrize("words, code, said", [
    (["a.keras"], 2, "whyshape compare: the following arguments are required: B; see whyshape compare --help"),
    (["a.keras", "no.keras"], 2, "whyshape: 'no.keras' cannot be read: No such file or directory."),
    (["a.keras", "cut.keras"], 2, "whyshape: 'cut.keras' is not a .keras file, or it is damaged: File is not a zip file."),
    (["a.keras", "Conv2d(1, 10, 5)", "--input", "1,1,2,2"], 2,
     "whyshape: 0 (conv2d) cannot run: the kernel spans 5 cells, 2 are there after padding; whyshape diagnose says why"),
    (["a.keras", "Conv2d(1, 10, 5)", "--keras=yes"], 2,
     "whyshape compare: argument --keras/--torch: ignored explicit argument 'yes'; see whyshape compare --help"),
    (["a.keras", "Conv2d(1, 10, 5)", "--input", "1,28,28,1"], 2,
     "whyshape: 0 (conv2d) cannot run: 1 channel is wanted, 28 arrive; whyshape diagnose says why"),
])  # fmt: skip
def test_bad_input(tmp_path, monkeypatch, capsys, words, code, said):
    """One sentence, exit code 2, nothing on stdout."""
    monkeypatch.chdir(tmp_path)
    keras_net().save("a.keras")
    (tmp_path / "cut.keras").write_bytes((tmp_path / "a.keras").read_bytes()[:200])
    assert main(["compare", *words]) == code
    out, err = capsys.readouterr()
    assert (out, err) == ("", said + "\n")


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
