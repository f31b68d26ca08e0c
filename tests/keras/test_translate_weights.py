"""A `.keras` file becomes a PyTorch model with its weights, without anything of the file being run; recurrent layers; average pooling."""

import zipfile

import h5py
import keras
import numpy as np
import pytest
import torch

from whyshape.analyses.translate import translate
from whyshape.cli import main
from whyshape.errors import WhyshapeError

L = keras.layers


def drawn(model):
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(0)
    for weight in model.weights:
        if "seed" not in weight.path:
            weight.assign(draw.uniform(0.2, 1.0, weight.shape) if "variance" in weight.path else draw.normal(0, 0.3, weight.shape))
    return model


def image_net():
    x = keras.Input((10, 11, 3))
    a, b = L.Conv2D(4, 3, name="alpha")(x), L.Conv2D(4, 3, name="beta")(x)
    inner = keras.Sequential([keras.Input((8, 9, 4)), L.Conv2D(2, 1, name="inner"), L.AveragePooling2D(2, padding="same")], name="held")
    y = inner(L.Add()([a, L.BatchNormalization(name="norm")(b)]))
    return keras.Model(x, L.Dense(3, name="head")(L.Dropout(0.5)(L.Flatten()(y))))


def text_net(kind="LSTM", **words):
    return keras.Sequential(
        [keras.Input((6,)), L.Embedding(2, 5), getattr(L, kind)(4, return_sequences=True), getattr(L, kind)(3, **words), L.Dense(2)]
    )


NETS = {
    "images": (image_net, (2, 10, 11, 3)),
    "lstm": (text_net, (2, 6)),
    "gru": (lambda: text_net("GRU"), (2, 6)),
    "rnn": (lambda: text_net("SimpleRNN", activation="relu"), (2, 6)),
    "no bias": (lambda: text_net("LSTM", use_bias=False), (2, 6)),
    "backwards": (lambda: text_net("GRU", go_backwards=True), (2, 6)),
}


@pytest.mark.parametrize("name", NETS)
def test_a_file_becomes_a_model_with_its_weights(name, tmp_path):
    """What Keras gives for the model it saved, the PyTorch model read from the file gives too."""
    make, shape = NETS[name]
    model = drawn(make())
    model.save(tmp_path / "net.keras")
    made = translate(str(tmp_path / "net.keras"), "torch", weights=True)
    assert not made.missing, made
    draw = np.random.default_rng(1)
    x = draw.integers(0, 2, shape).astype("float32") if len(shape) == 2 else draw.standard_normal(shape).astype("float32")
    want = keras.ops.convert_to_numpy(model(x, training=False))
    with torch.no_grad():
        got = made.model(torch.from_numpy(x if x.ndim == 2 else np.moveaxis(x, -1, 1).copy())).numpy()
    assert np.abs(want).max() > 1e-2 and np.abs(want - got).max() <= 1e-5
    live = translate(model, "torch")
    assert live.largest_difference <= 1e-5


class Reads(torch.nn.Module):
    def __init__(self, kind, **words):
        super().__init__()
        self.memory = kind(5, 7, batch_first=True, **words)
        self.head = torch.nn.Linear(14 if words.get("bidirectional") else 7, 3)

    def forward(self, x):
        return self.head(self.memory(x)[0][:, -1])


KINDS = [(getattr(torch.nn, kind), words) for kind in ("LSTM", "GRU", "RNN")
         for words in ({}, {"num_layers": 2}, {"bidirectional": True}, {"bias": False})]  # fmt: skip


@pytest.mark.parametrize("kind, words", [*KINDS, (torch.nn.RNN, {"nonlinearity": "relu"})], ids=lambda v: getattr(v, "__name__", str(v)))
def test_recurrent_layers_to_keras(kind, words):
    """Layers, directions, one bias or two: the same numbers."""
    torch.manual_seed(0)
    made = translate(Reads(kind, **words), "keras", (1, 6, 5))
    assert not made.missing, made
    assert made.largest_value > 1e-2 and made.largest_difference <= 1e-5


def test_what_a_recurrent_layer_has_no_twin_for():
    """Said with its reason."""
    for words, why in [({"activation": "elu"}, "no activation 'elu'"), ({"reset_after": False}, "resets before the product")]:
        made = translate(text_net("GRU", **words), "torch")
        assert len(made.missing) == 1 and why in next(iter(made.missing))


@pytest.mark.parametrize("size", [7, 8, 9])
@pytest.mark.parametrize("k, s", [(2, 1), (2, 2), (3, 1), (3, 2), (4, 3)])
def test_average_pooling_same_leaves_out_what_is_padded(k, s, size):
    """By TensorFlow's definition, counted cell by cell: a mean over the cells that are there."""
    model = keras.Sequential([keras.Input((size, size + 1, 2)), L.AveragePooling2D(k, strides=s, padding="same")])
    x = np.random.default_rng(0).standard_normal((2, size, size + 1, 2)).astype("float32")

    def cells(n):
        count = -(-n // s)
        before = max((count - 1) * s + k - n, 0) // 2
        return [slice(max(i * s - before, 0), i * s - before + k) for i in range(count)]

    want = np.stack([np.stack([x[:, a, b].mean((1, 2)) for b in cells(size + 1)], 1) for a in cells(size)], 1)
    got = translate(model, "torch").model(torch.from_numpy(np.moveaxis(x, -1, 1).copy())).numpy()
    assert np.abs(np.moveaxis(got, 1, -1) - want).max() <= 1e-6


def test_weights_that_lie_elsewhere_are_not_opened(tmp_path):
    """An external link inside the weights leads out of the file: refused, the other file untouched."""
    model = keras.Sequential([keras.Input((4,)), L.Dense(2)])
    model.save(tmp_path / "net.keras")
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["0"] = np.zeros((4, 2))
    with h5py.File(tmp_path / "bad.h5", "w") as bad:
        bad["layers/dense/vars/0"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/0")
        bad["layers/dense/vars/1"] = np.zeros(2)
    with zipfile.ZipFile(tmp_path / "net.keras") as old, zipfile.ZipFile(tmp_path / "bad.keras", "w") as new:
        new.writestr("config.json", old.read("config.json"))
        new.writestr("model.weights.h5", (tmp_path / "bad.h5").read_bytes())
    with pytest.raises(WhyshapeError, match="'layers/dense/vars/0' is not there, or lies elsewhere"):
        translate(str(tmp_path / "bad.keras"), "torch", weights=True)


def test_the_command_line_writes_code_and_weights(tmp_path, capsys):
    """net.py and net.pt belong together: the code, given the weights, gives what Keras gives."""
    model = drawn(keras.Sequential([keras.Input((4,)), L.Dense(2)]))
    model.save(tmp_path / "net.keras")
    assert main(["translate", str(tmp_path / "net.keras"), "--to", "torch", "--weights"]) == 2
    assert capsys.readouterr().err.endswith("The weights go into a .pt file beside the code: say where with -o net.py.\n")
    assert main(["translate", str(tmp_path / "net.keras"), "--to", "torch", "--weights", "-o", str(tmp_path / "net.py")]) == 0
    scope = {}
    exec((tmp_path / "net.py").read_text(), scope)
    scope["model"].load_state_dict(torch.load(tmp_path / "net.pt"))
    x = np.ones((2, 4), "float32")
    with torch.no_grad():
        assert np.abs(scope["model"](torch.from_numpy(x)).numpy() - keras.ops.convert_to_numpy(model(x))).max() <= 1e-6
