"""Vision, audio and text models through both of PyTorch's exporters: what we say of the file is what onnxruntime does with it."""

import pytest

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
runtime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from exported_models import CASES, Case, drawn, exported  # noqa: E402

import whyshape  # noqa: E402
import whyshape.readers.onnx as reader  # noqa: E402
from whyshape.analyses.compare import compare  # noqa: E402
from whyshape.graph import Value  # noqa: E402
from whyshape.readers.onnx.known import Known, number  # noqa: E402
from whyshape.readers.onnx.reader import Walk  # noqa: E402

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # the exporters' own
QUICK = [
    ("unet", "script"),
    ("m5", "script"),
    ("lstm tagger", "script"),
    ("char cnn", "script"),
    ("char cnn", "dynamo"),
    ("encoder", "script"),
]
ALL = [(name, by) for name, case in CASES.items() for by in case.by]


def model_of(case: Case):
    torch.manual_seed(0)
    return case.make().eval()


def session(content: bytes):
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return runtime.InferenceSession(content, options)


def opened(content: bytes) -> bytes:
    """The same file, every value between its operators a result too."""
    model = onnx.load_from_string(content)
    told = {held.name for held in model.graph.output}
    names = dict.fromkeys(name for node in model.graph.node for name in node.output if name and name not in told)
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return model.SerializeToString()


OUTSIDE = "indices element out of data bounds"  # a number that is no row of a table: no question of sizes (docs/files.md says so)


def ran(held, arrays) -> dict | None:
    """Every value by its name; None where onnxruntime refuses."""
    try:
        made = held.run(None, {of.name: x for of, x in zip(held.get_inputs(), arrays)})
    except Exception as error:  # whatever it raises: it refuses
        return {} if OUTSIDE in str(error) else None
    return dict(zip([of.name for of in held.get_outputs()], made))


def followed(content: bytes, shapes, monkeypatch):
    """Our graph, and what each name of the file stands for in it."""
    seen: dict = {}

    class Watched(Walk):
        def nodes(self, records, scope):
            super().nodes(records, scope)
            if scope.record is self.model.graph:
                seen.update(scope.names)

    with monkeypatch.context() as patch:
        patch.setattr(reader, "Walk", Watched)
        return reader.read(content, shapes), seen


def same_values(case: Case, content: bytes, monkeypatch) -> int:
    """Every value between the operators has the shape and the dtype that we say, at both sizes; a small one also the numbers."""
    held, agreed = session(opened(content)), 0
    for which in (0, 1):
        arrays = [x.numpy() for x in drawn(case, which)]
        made = ran(held, arrays)
        graph, seen = followed(content, [x.shape for x in arrays], monkeypatch)
        assert (graph.problem is None) == (made is not None), graph.problem
        assert all(node.by == "rule" for node in graph.nodes) and not graph.notes
        for name, there in (made or {}).items():
            ours = seen[name]
            assert isinstance(ours, (Value, Known)), (name, ours)
            assert (tuple(map(int, ours.shape)), ours.dtype) == (there.shape, str(there.dtype)), name
            if isinstance(ours, Known):
                np.testing.assert_allclose(np.reshape([number(v) for v in ours.items], there.shape).astype(there.dtype), there, rtol=1e-6)
            agreed += 1
        assert made != {}
    return agreed


def accepted_runs(case: Case, content: bytes, path) -> None:
    """What is said to be accepted is what onnxruntime runs: at every size tried, on one axis after the other."""
    stated = [of.shape for _, of in reader.inputs_of(reader.load(content))]
    letters = [tuple(n if isinstance(n, int) else str(n) for n in shape) for shape in stated]
    found, held = whyshape.accepts(path, letters), session(content)
    assert found.proved and not found.disagreements, str(found)
    given = drawn(case, 0)
    first = {n: int(size) for shape, x in zip(letters, given) for n, size in zip(shape, x.shape) if isinstance(n, str)}
    for letter in first:
        for n in (1, 2, 3, 7, 9, 31, 33):
            at = {**first, letter: n}
            shapes = [tuple(at[a] if isinstance(a, str) else a for a in shape) for shape in letters]
            arrays = [np.zeros(shape, x.numpy().dtype) for shape, x in zip(shapes, given)]
            if found.contains(**at) or case.rows:  # on an image too small onnxruntime itself may die
                assert found.contains(**at) == (ran(held, arrays) is not None), (at, str(found))


def checked(name, by, tmp_path, monkeypatch) -> int:
    case, path = CASES[name], tmp_path / "net.onnx"
    model = model_of(case)
    path.write_bytes(exported(case, model, by == "dynamo"))
    content = path.read_bytes()
    agreed = same_values(case, content, monkeypatch)
    accepted_runs(case, content, str(path))
    told = whyshape.explain(str(path), [tuple(x.shape) for x in drawn(case, 0)])
    assert str(told) and told.to_json() and told.costs.forward().status == "complete"
    shapes = [tuple(x.shape) for x in drawn(case, 0)]
    graph = whyshape.explain(model, input_data=drawn(case, 0)).graph
    assert compare(str(path), graph, shapes, run=True, models=(str(path), model)).equal
    return agreed


@pytest.mark.parametrize("name, by", QUICK, ids=[" ".join(case) for case in QUICK])
def test_a_sample(name, by, tmp_path, monkeypatch):
    """Shapes between all operators, accepted sets, costs, the same numbers from both."""
    assert checked(name, by, tmp_path, monkeypatch) > 10


@pytest.mark.full
@pytest.mark.parametrize("name, by", [case for case in ALL if case not in QUICK], ids=[" ".join(case) for case in ALL if case not in QUICK])
def test_every_model(name, by, tmp_path, monkeypatch):
    """22 models: vision, audio, text."""
    assert checked(name, by, tmp_path, monkeypatch) > 10


def test_a_free_batch_is_free_where_a_weight_is_repeated(tmp_path):
    """A class token, repeated for the batch and joined: shown at a batch of 1, and any batch is accepted."""
    held, node = onnx.helper, onnx.helper.make_node
    info = held.make_tensor_value_info
    nodes = [node("Shape", ["x"], ["n"], start=0, end=1), node("Concat", ["n", "rest"], ["to"], axis=0), node("Expand", ["token", "to"], ["t"]),
             node("Concat", ["t", "x"], ["y"], axis=1)]  # fmt: skip
    token = onnx.numpy_helper.from_array(np.ones((1, 1, 4), "f"), "token")
    rest = onnx.numpy_helper.from_array(np.array([1, 4]), "rest")
    graph = held.make_graph(nodes, "vit", [info("x", 1, ["N", 5, 4])], [info("y", 1, ["N", 6, 4])], [token, rest])
    path = str(tmp_path / "vit.onnx")
    onnx.save(held.make_model(graph, opset_imports=[held.make_opsetid("", 17)], ir_version=9), path)
    assert reader.read(path).tensors[0].shape[0] == 1
    assert str(whyshape.accepts(path, ("N", 5, 4))).startswith("any N\nproved")
    assert str(whyshape.accepts(path, ("N", "L", 4))).startswith("L 5\nN: any size\nproved")
