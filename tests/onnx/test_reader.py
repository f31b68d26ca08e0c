"""What a file says becomes a graph: free axes, shape arithmetic, branches, loops, functions, and what nobody knows."""

import subprocess
import sys

import pytest

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402

from whyshape.errors import WhyshapeError  # noqa: E402
from whyshape.graph import letters, push  # noqa: E402
from whyshape.graph.json import from_json, to_json  # noqa: E402
from whyshape.readers.onnx import read  # noqa: E402
from whyshape.sizes import Size  # noqa: E402

FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64


def model(nodes, inputs, outputs, constants=(), opset=17, functions=(), types=()):
    """A small model: inputs and outputs as {name: shape}, constants as {name: array}."""
    info = lambda shapes, elem=FLOAT: [
        helper.make_tensor_value_info(n, elem, s) if s is not None else helper.make_empty_tensor_value_info(n) for n, s in shapes.items()
    ]
    held = [onnx.numpy_helper.from_array(np.asarray(v), n) for n, v in dict(constants).items()]
    graph = helper.make_graph(nodes, "small", info(inputs), info(outputs), held, value_info=info(dict(types)))
    opsets = [helper.make_opsetid("", opset), *[helper.make_opsetid(f.domain, 1) for f in functions]]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions))


def shape(graph, i=0):
    return graph.tensors[graph.outputs[i]].shape


def tower():
    """conv 5 > pool 2 > reshape to (batch, -1), its shape computed by operators as exporters do."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w"], ["a"], kernel_shape=[5, 5], name="/conv/conv_1/Conv"),
        node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Shape", ["b"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Unsqueeze", ["n", "axes"], ["n1"]),
        node("Concat", ["n1", "minus"], ["to"], axis=0),
        node("Reshape", ["b", "to"], ["y"]),
    ]
    constants = {"w": np.zeros((10, 1, 5, 5), "f"), "zero": np.int64(0), "axes": np.array([0]), "minus": np.array([-1])}
    return model(nodes, {"x": ["N", 1, "H", "W"]}, {"y": None}, constants)


def test_symbolic_dimensions_are_free_axes_through_shape_arithmetic():
    """Pushed with free axes, the reshape follows N, H and W: two other sizes give what onnxruntime gives."""
    graph = read(tower())
    assert graph.tensors[graph.inputs[0]].axes == ("N", "", "H", "W")
    assert [node.op for node in graph.nodes] == ["conv2d", "max_pool2d", "reshape"]
    assert graph.nodes[0].path == "conv.conv_1" and [t.name for t in graph.parameters()] == ["w"]
    sizes = letters(graph)
    runtime = pytest.importorskip("onnxruntime")
    made = tower()
    made.ir_version = 8
    session = runtime.InferenceSession(made.SerializeToString())
    for n, h, w in ((1, 28, 28), (3, 17, 40)):
        (truth,) = session.run(None, {"x": np.zeros((n, 1, h, w), "f")})
        assert shape(read(tower(), (n, 1, h, w))) == truth.shape
        moved = lambda size, value: Size(value, size.op, size.args, size.leaf) if isinstance(size, Size) else size
        at = {i: tuple(map(moved, free, (n, 1, h, w))) for i, free in sizes.items()}
        assert tuple(map(int, push(graph, at).shapes[graph.outputs[0]])) == truth.shape


def test_a_graph_from_a_file_goes_through_json():
    """Written here, explained elsewhere."""
    graph = read(tower())
    assert repr(from_json(to_json(graph)).nodes) == repr(graph.nodes)


def test_letters_and_sizes_of_the_user_hold():
    """A size that is asked for stands; letters rename the free axes; a fixed axis is not changed."""
    graph = read(tower(), (2, 1, 30, 31), letters=[("B", "", "rows", "columns")])
    assert graph.tensors[graph.inputs[0]][:1] == ((2, 1, 30, 31),) and graph.tensors[graph.inputs[0]].axes == ("B", "", "rows", "columns")
    stopped = read(tower(), (2, 3, 30, 31))
    assert stopped.problem.sentence == "axis 1 of the input 'x' is fixed at 1 in the file, 3 is asked for"
    assert stopped.problem.numbers["wanted"] == 1 and stopped.nodes == ()


def test_sizes_to_show_are_found_by_trying():
    """A network that takes 28x28 only is shown at 28x28, and says that the axes are free."""
    node = helper.make_node
    nodes = [node("Flatten", ["x"], ["f"]), node("Gemm", ["f", "w"], ["y"], transB=1)]
    graph = read(model(nodes, {"x": ["N", 1, "H", "W"]}, {"y": None}, {"w": np.zeros((10, 784), "f")}))
    assert graph.problem is None and shape(graph) == (1, 10)
    assert graph.notes == ("N is free and stands at 1; H is free and stands at 28; W is free and stands at 28",)


def test_a_mismatch_in_the_file_is_a_result():
    """The sentence, its numbers, and the node it happened in."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")]
    graph = read(model(nodes, {"x": [2, 3]}, {"y": None}, {"w": np.zeros((4, 5), "f")}))
    assert graph.problem.sentence == "3 columns meet 4 rows" and graph.problem.path == "product" and graph.outputs == ()


@pytest.mark.parametrize("kind, sides", [("SAME_UPPER", (0, 1)), ("SAME_LOWER", (1, 0))])
def test_same_padding_depends_on_the_size(kind, sides):
    """28 with kernel 3 and stride 2 gets one more cell on one side; the size is ceil(28/2), for any size."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], auto_pad=kind, strides=[2, 2])]
    graph = read(model(nodes, {"x": [1, 1, "H", 28]}, {"y": None}, {"w": np.zeros((4, 1, 3, 3), "f")}), (1, 1, 28, 28))
    assert tuple(map(int, graph.nodes[0].args[1])) == sides * 2 and shape(graph) == (1, 4, 14, 14)
    for h in range(1, 12):
        assert shape(read(model(nodes, {"x": [1, 1, h, 28]}, {"y": None}, {"w": np.zeros((4, 1, 3, 3), "f")})))[2] == -(-h // 2)


def branches(second):
    one = helper.make_graph([helper.make_node("Relu", ["x"], ["t"])], "then", [], [helper.make_empty_tensor_value_info("t")])
    other = helper.make_graph([second], "else", [], [helper.make_empty_tensor_value_info("e")])
    return helper.make_node("If", ["c"], ["y"], then_branch=one, else_branch=other)


def test_a_branch_that_depends_on_numbers():
    """Both branches give the same sizes: known. They differ: nobody knows, and it is said."""
    same = branches(helper.make_node("Neg", ["x"], ["e"]))
    nodes = [helper.make_node("ReduceSum", ["x"], ["r"], keepdims=0), helper.make_node("Cast", ["r"], ["c"], to=9)]
    graph = read(model([*nodes, same], {"x": [2, 3]}, {"y": None}))
    assert shape(graph) == (2, 3) and "both give the same sizes" in graph.notes[0] and graph.nodes[-1].op == "relu"
    other = branches(helper.make_node("Flatten", ["x"], ["e"], axis=0))
    graph = read(model([*nodes, other], {"x": [2, 3]}, {"y": None}))
    assert graph.outputs == () and "not known before the network runs" in graph.notes[-1]


def test_a_branch_on_a_size_is_taken_and_remembered():
    """If H > 10: the branch is followed, and stands as a condition of the graph."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"], start=1, end=2), helper.make_node("Greater", ["s", "ten"], ["g"]),
        helper.make_node("Squeeze", ["g"], ["c"]), branches(helper.make_node("Flatten", ["x"], ["e"], axis=0)),
    ]  # fmt: skip
    build = lambda: model(nodes, {"x": [2, "H"]}, {"y": None}, {"ten": np.array([10])})
    assert shape(read(build(), (2, 11))) == (2, 11) and shape(read(build(), (2, 10))) == (1, 20)
    assert repr(read(build(), (2, 11)).branches[0]) == "11 > 10"


def loop(step, trips):
    """A loop that does ``step`` to v and gathers it."""
    info = helper.make_empty_tensor_value_info
    body = helper.make_graph(
        [step, helper.make_node("Identity", ["going"], ["still"]), helper.make_node("Relu", ["x"], ["row"])], "body",
        [info("turn"), info("going"), info("v")], [info("still"), info("next"), info("row")],
    )  # fmt: skip
    node = helper.make_node
    counted = [] if trips is not None else [node("ReduceMax", ["x"], ["q"], keepdims=0), node("Cast", ["q"], ["m"], to=7)]
    nodes = [*counted, node("Loop", ["m", "", "x"], ["y", "rows"], body=body)]
    return model(nodes, {"x": [2, 3]}, {"y": None, "rows": None}, {} if trips is None else {"m": np.int64(trips)})


def test_a_loop_with_a_known_number_of_turns_is_followed():
    """Three turns of concatenating double three times: 2 -> 16 rows."""
    graph = read(loop(helper.make_node("Concat", ["v", "v"], ["next"], axis=0), 3))
    assert shape(graph) == (16, 3)
    graph = read(loop(helper.make_node("Neg", ["v"], ["next"]), 4))
    assert shape(graph) == (2, 3) and shape(graph, 1) == (4, 2, 3)


def test_a_loop_nobody_knows_the_turns_of():
    """What a turn leaves as it is keeps its size, measured; what is gathered is not known."""
    graph = read(loop(helper.make_node("Neg", ["v"], ["next"]), None))
    assert shape(graph) == (2, 3) and graph.nodes[-1].by == "measured" and "how often the loop turns" in graph.nodes[-1].why
    assert len(graph.outputs) == 1 and graph.notes
    assert read(loop(helper.make_node("Concat", ["v", "v"], ["next"], axis=0), None)).outputs == ()


def test_functions_of_the_file_are_followed():
    """A function is read in place, with the caller's attributes."""
    body = [helper.make_node("Flatten", ["a"], ["b"])]
    body[0].attribute.append(onnx.AttributeProto(name="axis", type=onnx.AttributeProto.INT, ref_attr_name="at"))
    function = helper.make_function("own", "Fold", ["a"], ["b"], body, [helper.make_opsetid("", 17)], ["at"])
    nodes = [helper.make_node("Fold", ["x"], ["y"], domain="own", at=2)]
    assert shape(read(model(nodes, {"x": [2, 3, 4, 5]}, {"y": None}, functions=[function]))) == (6, 20)


def test_an_unknown_operator_is_measured_where_the_file_states_its_size_and_unknown_elsewhere():
    """Never guessed."""
    nodes = [helper.make_node("Odd", ["x"], ["a"], domain="elsewhere"), helper.make_node("Relu", ["a"], ["y"])]
    graph = read(model(nodes, {"x": [2, 3]}, {"y": None}, types={"a": [7, 8]}))
    assert shape(graph) == (7, 8) and [node.by for node in graph.nodes] == ["measured", "rule"]
    assert graph.nodes[0].why == "no rule is known for elsewhere.Odd; the file states its sizes"
    graph = read(model(nodes, {"x": [2, 3]}, {"y": None}))
    assert graph.outputs == () and graph.nodes == () and "no rule is known for elsewhere.Odd" in graph.notes[0]


def test_reading_needs_neither_torch_nor_onnx(tmp_path):
    """A fresh interpreter explains the file with the standard library alone."""
    path = tmp_path / "tower.onnx"
    path.write_bytes(tower().SerializeToString())
    code = (
        "import sys; from whyshape.readers.onnx import read; g = read(sys.argv[1]);"
        "print(len(g.nodes), {'torch', 'onnx', 'numpy', 'google.protobuf'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "3 set()"


@pytest.mark.parametrize("given, said", [
    ((1, 1, 28), "The input 'x' has 4 axes; a shape of 3 is given."),
    ([(1, 1, 28, 28), (1,)], "The file has 1 input; 2 shapes are given."),
])  # fmt: skip
def test_shapes_that_do_not_belong(given, said):
    """One sentence."""
    with pytest.raises(WhyshapeError) as caught:
        read(tower(), given)
    assert str(caught.value) == said
