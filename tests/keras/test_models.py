"""Whole models: files and live ones, sizes layer by layer, free axes, and code that is never run."""

import json
import math
import subprocess
import sys
import zipfile

import keras
import pytest

from whyshape.cli import main
from whyshape.errors import WhyshapeError
from whyshape.graph import letters, push
from whyshape.readers.keras import read

L = keras.layers


def branched():
    """Branches, a skip, a model within, operators of `keras.ops`, two outputs."""
    x = keras.Input((None, None, 3), name="picture")
    a = L.Conv2D(8, 3, padding="same", activation="relu", name="first")(x)
    inner = keras.Sequential(
        [keras.Input((None, None, 8)), L.Conv2D(8, 3, padding="same", name="c"), L.BatchNormalization(name="b")], name="inner"
    )
    a = L.Add()([inner(a), a])
    b = keras.ops.mean(a, axis=(1, 2)) * 2.0
    return keras.Model(x, [L.Dense(5, name="out")(b), L.MaxPooling2D(2)(a)])


def test_a_file_and_the_live_model_read_the_same(tmp_path):
    """One graph from both, with the layers' paths and every free axis."""
    model = branched()
    path = tmp_path / "model.keras"
    model.save(path)
    a, b = read(path), read(model)
    assert repr(a.nodes) == repr(b.nodes) and a.problem is None and all(node.by == "rule" for node in a.nodes)
    assert a.tensors[a.inputs[0]].axes == ("N", "H", "W", "")
    assert [n.path for n in a.nodes][:4] == ["first", "first", "inner.c", "inner.b"]
    for size in ((1, 28, 28, 3), (2, 17, 40, 3)):
        graph = read(path, size)
        assert [graph.tensors[i].shape for i in graph.outputs] == [tuple(s) for s in model.compute_output_shape(size)]


def test_free_axes_are_pushed():
    """The map's height is an expression of H."""
    graph = read(branched())
    pooled = push(graph, letters(graph)).shapes[graph.outputs[1]]
    assert pooled[1].formula.names().count("H") >= 1 and int(pooled[3]) == 8


@pytest.mark.parametrize("name, words, size", [
    ("MobileNet", {"alpha": 0.25}, 64), ("MobileNetV2", {"alpha": 0.35}, 64), ("DenseNet121", {}, 64), ("EfficientNetB0", {}, 64),
])  # fmt: skip
def test_every_layer_of_an_application_has_the_size_it_says(name, words, size):
    """Shapes layer by layer, parameters in all."""
    model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), **words)
    graph = read(model, (1, size, size, 3))
    assert graph.problem is None and all(node.by == "rule" for node in graph.nodes) and not graph.notes
    shapes = {}
    for node in graph.nodes:
        shapes[node.path] = graph.tensors[node.outputs[0]].shape
    compared = 0
    for layer in model.layers:
        if layer.name in shapes:
            assert tuple(layer.output.shape)[1:] == shapes[layer.name][1:], layer.name
            compared += 1
    assert compared >= 0.95 * len(model.layers) - 1
    count = sum(math.prod(t.shape) for t in graph.tensors if t.kind in ("parameter", "buffer"))
    assert count == model.count_params()


def archive(path, config):
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("config.json", json.dumps(config))
    return path


def test_a_lambda_is_never_run(tmp_path):
    """Its code is left alone; where the file states what it gave, that is measured; what nobody says is unknown."""
    x = keras.Input((8, 8, 3))
    y = L.Lambda(lambda v: v[:, :4], output_shape=(4, 8, 3))(x)
    model = keras.Model(x, L.Conv2D(4, 3)(y))
    path = tmp_path / "lambda.keras"
    model.save(path)
    graph = read(path)
    assert [n.by for n in graph.nodes] == ["measured", "rule"] and graph.tensors[graph.outputs[0]].shape == (1, 2, 6, 4)
    assert graph.nodes[0].why == "a Lambda is code, and code in a file is never run; the file states its sizes"
    with zipfile.ZipFile(path) as held:
        config = json.loads(held.read("config.json"))
    text = json.dumps(config).replace('"shape": [null, 4, 8, 3]', '"shape": null')
    graph = read(archive(tmp_path / "silent.keras", json.loads(text)))
    assert graph.outputs == () and "a Lambda is code" in graph.notes[0]


def test_a_mismatch_in_a_file_is_a_result(tmp_path):
    """The layer, the sentence, and what was explained before it."""
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 8, 8, 3], "name": "x"}},
        {"class_name": "MaxPooling2D", "config": {"name": "pool", "pool_size": [2, 2]}},
        {"class_name": "Conv2D", "config": {"name": "conv", "filters": 4, "kernel_size": [5, 5]}},
    ]}}  # fmt: skip
    graph = read(archive(tmp_path / "small.keras", config))
    assert graph.problem.sentence == "the kernel spans 5 cells, 4 are there" and graph.problem.path == "conv" and len(graph.nodes) == 1


def test_a_file_is_read_without_keras_or_torch(tmp_path):
    """A fresh interpreter, standard library alone."""
    path = tmp_path / "model.keras"
    branched().save(path)
    code = (
        "import sys; from whyshape.readers.keras import read; g = read(sys.argv[1]);"
        "print(len(g.nodes) > 5, {'torch', 'keras', 'numpy', 'h5py'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "True set()"


def test_models_that_only_code_describes():
    """A subclassed model, and a Sequential that was never called."""

    class Own(keras.Model):
        pass

    with pytest.raises(WhyshapeError, match="is described by its code"):
        read(Own())
    with pytest.raises(WhyshapeError, match="has no input shape yet"):
        read(keras.Sequential([L.Dense(3)]))


def half_known(tmp_path):
    x = keras.Input((None, None, 3))
    y = L.Conv2D(4, 3)(x)
    z = L.Lambda(lambda v: v[:, ::2], name="every_second")(y)
    keras.Model(x, [L.Conv2D(4, 5, name="known")(y), L.Conv2D(2, 3, name="behind")(z)]).save(tmp_path / "net.keras")
    return str(tmp_path / "net.keras")


def test_a_part_that_nobody_knows_is_never_proved(tmp_path, capsys):
    """Behind a Lambda another convolution takes fewer sizes than what is known: said, with the layer, in text and JSON."""
    path = half_known(tmp_path)
    assert main(["accepts", path]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "H and W at least 7"
    assert "observed, not proved: a part was not asked, which may take fewer: every_second: a Lambda is code" in said
    assert main(["accepts", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["proved"] is False
