"""A user with only a file: every question answers, or says in one sentence why not."""

import io
import json
import warnings
from importlib.resources import files

import pytest

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from torch import nn  # noqa: E402

from whyshape.analyses.compare import compare  # noqa: E402
from whyshape.analyses.diagnose_graph import diagnose_graph  # noqa: E402
from whyshape.api import read  # noqa: E402
from whyshape.cli import main  # noqa: E402
from whyshape.graph import letters  # noqa: E402
from whyshape.graph.again import again  # noqa: E402
from whyshape.graph.json import to_json  # noqa: E402
from whyshape.readers.jsongraph import write  # noqa: E402
from whyshape.readers.torch import read as read_torch  # noqa: E402

pytest.importorskip("jsonschema")
import jsonschema  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own, on its torch backend


def tower(batch="N"):
    """conv 5 > pool 2 > Reshape to a typed shape > Gemm 1440 -> 4: it takes 28 x 28 and 29 x 29."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w"], ["a"], kernel_shape=[5, 5], name="/conv_1/Conv"),
        node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], strides=[2, 2], name="/pool_1/MaxPool"),
        node("Reshape", ["b", "to"], ["c"], name="/Reshape"),
        node("Gemm", ["c", "f"], ["y"], transB=1, name="/fc/Gemm"),
    ]
    rows = -1 if batch == "N" else batch
    held = {"w": np.zeros((10, 1, 5, 5), "f"), "to": np.array([rows, 1440]), "f": np.zeros((4, 1440), "f")}
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "tower", [info("x", TensorProto.FLOAT, ["N", 1, "H", "W"])], [info("y", TensorProto.FLOAT, ["N", 4])],
        [numpy_helper.from_array(v, n) for n, v in held.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    here = tmp_path_factory.mktemp("files")
    onnx.save(tower(), here / "net.onnx")
    write(read(str(here / "net.onnx")), here / "net.json")
    keras = pytest.importorskip("keras")
    layers = keras.layers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's own future, on Keras' torch backend: a fixture stands outside the mark
        keras.Sequential([keras.Input((28, 28, 1)), layers.Conv2D(10, 5), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(4)]).save(
            here / "net.keras"
        )
    return here


QUESTIONS = [
    ("explain {}", "10"), ("why {} 1440", "1440"), ("accepts {}", "proved"), ("costs {}", "What"), ("field {}", "Which part"),
    ("fit {} --memory 1GiB --input {fixed}", "fits"), ("report {} -o {out}.html", ""), ("figure arch {} -o {out}.svg", "1440"),
    ("diagnose {}", "nothing to repair"), ("compare {} {}", "The same network"), ("summary {}", "Total params"),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["onnx", "keras", "json"])
@pytest.mark.parametrize("question, says", QUESTIONS, ids=[q.split()[0] for q, _ in QUESTIONS])
def test_every_question_answers(place, capsys, kind, question, says):
    """Exit code 0, and the answer holds what was asked for."""
    fixed = "2,28,28,1" if kind == "keras" else "2,1,28,28"
    words = [w.format(place / f"net.{kind}", fixed=fixed, out=place / kind) for w in question.split()]
    assert main(words) == 0, capsys.readouterr().err
    assert says in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["onnx", "keras", "json"])
def test_annotate_says_why_not(place, capsys, kind):
    """A file has no Python source."""
    path = place / f"net.{kind}"
    assert main(["annotate", str(path), "--input", "1,1,28,28"]) == 2
    assert capsys.readouterr().err == f"whyshape: annotate writes into Python code, and {path} has none; name a model as file.py:Net\n"


def test_diagnose_names_the_node_and_a_size_that_the_file_takes(place):
    """32 x 32 leaves 1960 numbers where 1440 are typed; the size offered runs when the file is read at it."""
    found = diagnose_graph(str(place / "net.onnx"), (2, 1, 32, 30))
    problem = found.problems[0]
    assert found.exit_code == 1 and [p.where["type"] for p in found.problems] == ["Reshape", "Gemm"]
    fix = problem.fixes[0]
    height, width = fix.edits[0]["hw"]
    assert fix.verified and read(str(place / "net.onnx"), (2, 1, height, width)).problem is None


def test_diagnose_changes_a_number_typed_into_a_reshape(tmp_path):
    """A batch of 1 was typed into the file; -1 in its place takes every batch, and the file so changed is then read to its end."""
    path = str(tmp_path / "one.onnx")
    onnx.save(tower(batch=1), path)
    (problem,) = diagnose_graph(path, (3, 1, 28, 28)).problems
    edits = [f.edits[0] for f in problem.fixes if f.verified and "layer" in f.edits[0]]
    assert [(e["attr"], e["value"]) for e in edits] == [("shape", [-1, 1440])]
    changed = tower(batch=edits[0]["value"][0])
    onnx.save(changed, path)
    graph = read(path, (3, 1, 28, 28))
    assert graph.problem is None and graph.tensors[graph.outputs[0]].shape == (3, 4)


def test_a_json_graph_is_asked_again_at_the_sizes_given(place):
    """What the file reads at 3 x 1 x 29 x 28, the graph written at another size gives too, and its letters stay."""
    path, graph = str(place / "net.json"), read(str(place / "net.onnx"), (3, 1, 29, 28))
    assert [t.shape for t in read(path, (3, 1, 29, 28)).tensors] == [t.shape for t in graph.tensors]
    assert read(path, (3, 1, 32, 32)).problem.sentence == read(str(place / "net.onnx"), (3, 1, 32, 32)).problem.sentence
    free = read(path, ("N", 1, "H", "W"))
    assert len({str(n) for s in letters(free).values() for n in s}) and free.tensors[free.inputs[0]].axes == ("N", "", "H", "W")
    same = again(graph, {})
    assert same.tensors == graph.tensors and same.problem is None


def exported(model, shape) -> bytes:
    held = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter speaks about itself
        torch.onnx.export(model.eval(), torch.zeros(shape), held, dynamo=False, opset_version=17, input_names=["x"])
    return held.getvalue()


def test_an_export_is_the_same_network_as_its_model():
    """The exporter merges batch norms into convolutions and leaves dropout out; another padding is another network."""
    from whyshape.readers.onnx import read as read_onnx

    net = lambda padding: nn.Sequential(nn.Conv2d(3, 8, 3, padding=padding, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(), nn.Conv2d(8, 4, 3)).eval()  # fmt: skip
    file = read_onnx(exported(net(1), (1, 3, 8, 8)), (1, 3, 8, 8))
    same, other = (compare(file, read_torch(net(p), (1, 3, 8, 8))) for p in (1, 2))
    assert same.equal and sorted(c.kind for c in same.changes) == ["idle", "merged", "merged"]
    assert same.verdict.startswith("The same network: ")
    assert not other.equal and other.verdict.startswith("Not the same network: ")


def test_a_norm_behind_a_convolution_that_had_a_bias_already_is_a_difference():
    """Nothing on the other side shows that it was merged: nothing is assumed."""
    bias = lambda *more: read_torch(nn.Sequential(nn.Conv2d(3, 8, 3), *more), (1, 3, 8, 8))
    assert not compare(bias(), bias(nn.BatchNorm2d(8).eval())).equal


def test_a_torchvision_export_is_the_same_network():
    """ResNet-18: 20 norms merged, all else alike."""
    from whyshape.readers.onnx import read as read_onnx

    model = pytest.importorskip("torchvision").models.resnet18()
    found = compare(read_onnx(exported(model, (1, 3, 64, 64)), (1, 3, 64, 64)), read_torch(model.eval(), (1, 3, 64, 64)))
    assert found.equal and found.same == 29 and sum(c.kind == "merged" for c in found.changes) == 40


@pytest.mark.parametrize("size", [(1, 1, 28, 28), (1, 1, 32, 32)])
def test_a_graph_in_json_is_as_its_schema_says(place, size):
    """Graphs that run and graphs with a problem; what is no graph is refused by the schema too."""
    schema = json.loads(files("whyshape").joinpath("schemas/graph.v1.json").read_text("utf-8"))
    data = json.loads(json.dumps(to_json(read(str(place / "net.onnx"), size))))
    jsonschema.validate(data, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**data, "inputs": ["x"]}, schema)


def test_a_keras_file_counts_maps_where_keras_keeps_them(place, capsys):
    """The maps stand last: 24 x 24 places each, one map comes in, and the pool's size is a number somebody chose."""
    assert main(["why", str(place / "net.keras"), "10"]) == 0
    assert "10 kernels, each making one map of 24 x 24 places" in " ".join(capsys.readouterr().out.split())
    assert main(["explain", str(place / "net.keras")]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "in_channels=1: found, not typed: it must equal the 1 map of the input" in told and "numbers of" not in told


@pytest.mark.parametrize("target", ["file", "model"])
def test_a_translation_is_as_its_schema_says(place, target):
    """Of a file, whose weights are not moved, and of a live model, which is run on both sides."""
    from whyshape.analyses.translate import translate

    schema = json.loads(files("whyshape").joinpath("schemas/translation.v1.json").read_text("utf-8"))
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    found = translate(str(place / "net.keras"), to="torch") if target == "file" else translate(net, "keras", (1, 1, 8, 8))
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    jsonschema.validate(data, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**data, "to": "jax"}, schema)
