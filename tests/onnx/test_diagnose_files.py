"""Every way out that a diagnosis of a file prints is written into the file with the onnx package, and onnxruntime then runs it."""

import io
import json
import warnings

import pytest

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx_edits import ran, shaped  # noqa: E402
from torch import nn  # noqa: E402

from whyshape.analyses.diagnose_graph import KEPT, diagnose_graph  # noqa: E402
from whyshape.api import read  # noqa: E402
from whyshape.cli import main  # noqa: E402
from whyshape.readers.jsongraph import write  # noqa: E402

torch.set_num_threads(1)


def saved(path, nodes, inputs, held, outputs=("y",)) -> str:
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "net", [info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [info(name, TensorProto.FLOAT, None) for name in outputs], [numpy_helper.from_array(v, n) for n, v in held.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return str(path)


def tower(path, inputs=("N", 1, "H", "W"), rows=-1) -> str:
    """conv 5 > pool 2 > Reshape to a typed shape > Gemm 1440 -> 4: it takes 28 x 28 and 29 x 29."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w"], ["a"], kernel_shape=[5, 5], name="/conv_1/Conv"),
        node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], strides=[2, 2], name="/pool_1/MaxPool"),
        node("Reshape", ["b", "to"], ["c"], name="/Reshape"),
        node("Gemm", ["c", "f"], ["y"], transB=1, name="/fc/Gemm"),
    ]  # fmt: skip
    held = {"w": np.ones((10, 1, 5, 5), "f"), "to": np.array([rows, 1440]), "f": np.ones((4, 1440), "f")}
    return saved(path, nodes, {"x": inputs}, held)


def exported(model, shape, path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter speaks about itself
        torch.onnx.export(model.eval(), torch.zeros(shape), path, dynamo=False, opset_version=17, input_names=["x"])
    return str(path)


def every_way_runs(path, *shapes) -> None:
    """onnxruntime runs the file with each fix; the batch comes out, unless the fix is about the batch."""
    found = diagnose_graph(path, list(shapes))
    fixes = {repr(f.edits): f for p in found.problems for f in p.fixes}
    assert found.exit_code == 1 and fixes
    for fix in fixes.values():
        assert fix.verified and fix.says and fix.cost
        inputs = [np.ones(s, "float32") for s in shapes]
        (made, *_) = ran(onnx.load(path), fix.edits, *inputs)
        assert len(made) == len(shaped(inputs[0], fix.edits)), fix.says
    return found


@pytest.mark.parametrize("rows, inputs, asked", [
    (-1, ("N", 1, "H", "W"), (2, 1, 32, 30)),
    (1, ("N", 1, "H", "W"), (3, 1, 28, 28)),
    (1, ("N", 1, "H", "W"), (3, 1, 32, 32)),
    (1, (1, 1, 28, 28), (4, 1, 28, 28)),
    (1, (1, 1, 28, 28), (4, 1, 40, 28)),
    (-1, ("N", 1, 28, 28), (2, 3, 28, 28)),
    (-1, ("N", 1, 28, 28), (2, 28, 28, 1)),
    (-1, ("N", 1, 28, 28), (1, 28, 28)),
    (-1, ("N", 1, 28, 28), (1, 1, 1, 28, 28)),
    (-1, ("N", 1, "H", "W"), (2, 1, 3, 3)),
])  # fmt: skip
def test_every_way_out_of_the_tower_runs(tmp_path, rows, inputs, asked):
    """Fixed and free inputs, a batch typed into the Reshape, channels, the order of axes, one axis too few or too many."""
    every_way_runs(tower(tmp_path / "net.onnx", inputs, rows), asked)


def test_both_places_are_found_in_one_pass(tmp_path):
    """The input is fixed, the Reshape typed, and 1960 numbers reach a Gemm of 1440: three places, each as if the one before were repaired."""
    found = diagnose_graph(tower(tmp_path / "net.onnx", (1, 1, 28, 28), 1), (2, 1, 32, 32))
    assert [p.where["op"] for p in found.problems] == ["input", "reshape", "linear"]
    assert found.problems[2].sentence == "1440 features are wanted on the last axis, 1960 arrive"
    assert [link.says for link in found.problems[1].because if link.by == "input"] == ["2 is axis 0 of the input x"]
    first, *_, last = found.problems[0].fixes
    assert first.cost == KEPT and [sorted(e)[0] for e in first.edits] == ["hw", "attr", "attr"]
    assert last.cost == "new weights, train again" and last.edits[-1] == {"param": "f", "shape": [4, 1960]}


def test_a_baked_batch_is_freed_with_its_reshape(tmp_path):
    """The first way out: the input's batch gets a letter, the typed 1 becomes -1; its sentence names both."""
    (fix, *_) = diagnose_graph(tower(tmp_path / "net.onnx", (1, 1, 28, 28), 1), (4, 1, 28, 28)).problems[0].fixes
    assert fix.to_dict() == {
        "all": [{"layer": "x", "attr": "shape", "value": ["N", 1, 28, 28]}, {"layer": "/Reshape", "attr": "shape", "value": [-1, 1440]}],
        "says": "the input x stated as (N, 1, 28, 28) in the file; and /Reshape: the shape [-1, 1440] instead of [1, 1440]",
        "cost": "the file's weights stay", "verified": True,
    }  # fmt: skip


def test_a_typed_batch_that_swallows_rows_is_a_problem(tmp_path):
    """[1, -1] would lay two images in one row: said, and repaired before the Gemm blames its weights."""
    node = helper.make_node
    nodes = [node("Reshape", ["x", "to"], ["a"], name="/Reshape"), node("MatMul", ["a", "w"], ["y"], name="/fc/MatMul")]
    path = saved(tmp_path / "net.onnx", nodes, {"x": [1, 4, 6]}, {"to": np.array([1, -1]), "w": np.ones((24, 3), "f")})
    found = every_way_runs(path, (2, 4, 6))
    assert [p.where["op"] for p in found.problems] == ["input", "reshape"]
    assert found.problems[1].sentence == "2 rows arrive, and the shape (1, -1) makes 1 of them"
    assert found.problems[0].fixes[0].edits[1] == {"layer": "/Reshape", "attr": "shape", "value": [0, -1]}


def test_two_free_axes_that_must_be_equal(tmp_path):
    """The file calls them N and M; adding needs them equal: the second input is cut, and the file may say so."""
    path = saved(tmp_path / "net.onnx", [helper.make_node("Mul", ["a", "b"], ["y"], name="/Mul")], {"a": ["N", 4], "b": ["M", 4]}, {})
    found = diagnose_graph(path, [(3, 4), (2, 4)])
    fixes = {repr(f.edits): f for f in found.problems[0].fixes}
    assert fixes
    for fix in fixes.values():
        ran(onnx.load(path), fix.edits, np.ones((3, 4), "f"), np.ones((2, 4), "f"))
    assert any(e == {"layer": "b", "attr": "shape", "value": ["N", 4]} for f in fixes.values() for e in f.edits)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.body = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        return self.head(self.body(torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1))[:, 0])


def test_an_encoder_exported_with_one_row_takes_two_and_gives_the_models_numbers(tmp_path):
    """Some twenty shapes are typed into such a file, and a token for one row: all found in one pass; the changed file equals the model."""
    torch.manual_seed(0)
    model = Encoder()
    path = exported(model, (1, 6, 16), tmp_path / "net.onnx")
    found = diagnose_graph(path, (2, 6, 16))
    fix = found.problems[0].fixes[0]
    assert fix.cost == KEPT and len(fix.edits) == len(found.problems) > 8
    x = torch.randn(2, 6, 16)
    (made,) = ran(onnx.load(path), fix.edits, x.numpy())
    with torch.no_grad():
        assert np.abs(made - model(x).numpy()).max() <= 1e-5


def test_a_fully_convolutional_file_is_freed_or_the_input_resized(tmp_path):
    """Nothing but the stated input stands in the way of 3 x 20 x 12: the axes are freed, and the weights stay."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    found = every_way_runs(exported(model, (1, 3, 16, 16), tmp_path / "net.onnx"), (2, 3, 20, 12))
    assert [f.cost for f in found.problems[0].fixes[:1]] == [KEPT]
    assert found.problems[0].fixes[0].edits == ({"layer": "x", "attr": "shape", "value": ["N", 3, "H", "W"]},)
    assert found.problems[0].sentence == (
        "axes 0 and 2 and 3 of the input 'x' are fixed at 1 and 16 and 16 in the file, 2 and 20 and 12 are asked for"
    )


def test_a_fix_in_words_that_fit_a_file(tmp_path):
    """A file's weights do not load, they stay; the ways are printed once, and the places behind the first refer to them."""
    text = str(diagnose_graph(tower(tmp_path / "net.onnx", (1, 1, 28, 28), 1), (2, 1, 32, 32)))
    assert "old weights load" not in text and text.count("the same ways out as above") == 2


def test_a_keras_file_is_freed_or_fed_other_sizes(tmp_path):
    """Freed sides would need another Dense: new weights. A resized input needs nothing. Keras itself builds both."""
    keras = pytest.importorskip("keras")
    layers = keras.layers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras.Sequential([keras.Input((28, 28, 1)), layers.Conv2D(10, 5), layers.Flatten(), layers.Dense(4)]).save(tmp_path / "net.keras")
    found = diagnose_graph(str(tmp_path / "net.keras"), (2, 32, 32, 1))
    (problem,) = found.problems
    by = {f.cost: f for f in problem.fixes}
    assert by[KEPT].edits == ({"input": "resize", "hw": [28, 28]},)
    assert by["new weights, train again"].edits == ({"layer": "input_layer", "attr": "batch_shape", "value": [None, None, None, 1]},) or (
        by["new weights, train again"].edits[0]["value"] == [None, None, None, 1]
    )


def test_a_graph_in_json_is_repaired_where_its_shape_is_typed(tmp_path):
    """The same typed batch, in a graph written by another machine."""
    write(read(tower(tmp_path / "net.onnx", rows=1), (1, 1, 28, 28)), tmp_path / "net.json")
    found = diagnose_graph(str(tmp_path / "net.json"), (3, 1, 28, 28))
    assert found.problems[0].fixes[0].edits[0]["value"] == [-1, 1440]


@pytest.mark.parametrize("asked", ["2,1,32,32", "28,28", "1,3,28,28"])
def test_the_command_line(tmp_path, capsys, asked):
    """Exit code 1, as text and as JSON that its schema takes."""
    jsonschema = pytest.importorskip("jsonschema")
    from importlib.resources import files

    path = tower(tmp_path / "net.onnx", (1, 1, 28, 28), 1)
    assert main(["diagnose", path, "--input", asked]) == 1
    assert "[Errno" not in capsys.readouterr().out
    assert main(["diagnose", path, "--input", asked, "--json"]) == 1
    data = json.load(io.StringIO(capsys.readouterr().out))
    jsonschema.validate(data, json.loads(files("whyshape").joinpath("schemas/diagnosis.v1.json").read_text("utf-8")))
