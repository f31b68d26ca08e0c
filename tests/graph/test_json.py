"""Graphs survive the way to JSON and back, and what comes back is checked."""

import copy
import gc
import json
import math

import pytest

from whyshape.errors import WhyshapeError
from whyshape.graph import Builder, Graph, Module, ModuleCall, Node, Problem, Ref, State, Stopped, Tensor, letters, push
from whyshape.graph.json import from_json, to_json
from whyshape.readers import jsongraph
from whyshape.sizes import Cond, ceil_div, leaf, leaves, plain, scaled


def tower(n=1, h=28, w=28):
    """A small network whose reshape holds a size with history."""
    net = Builder("tower")
    x = net.input((n, 1, h, w), name="x", axes=("N", "", "H", "W"))
    y = net.layer("Conv2d", "conv", x, args=(1, 10, 5))
    y = net.layer("MaxPool2d", "pool", y, args=(2,))
    batch = leaf(y.shape[0], "batch", "calculated", ("axis", y.index, 0))
    return net.graph(net.call("reshape", y, (batch, -1)))


def again(graph):
    return from_json(json.loads(json.dumps(to_json(graph), allow_nan=False)))


def same(a, b):
    """Equal as plain data, and equal in every formula."""
    assert plain(a[:6]) == plain(b[:6]) and a.name == b.name and a.notes == b.notes and a.training == b.training
    for left, right in zip(a.nodes, b.nodes):
        assert repr(left) == repr(right)


def test_round_trip_keeps_the_graph_and_what_free_axes_make_of_it():
    """Pushed with free axes, the graph that was read gives the same expressions as the one that was written."""
    graph = tower()
    back = again(graph)
    same(graph, back)
    out = graph.outputs[0]
    before, after = push(graph, letters(graph)).shapes[out], push(back, letters(back)).shapes[out]
    assert [n.formula.names() for n in before] == [n.formula.names() for n in after]
    assert {leaf.leaf.name for leaf in leaves(after[1])} >= {"H", "W"}


VALUES = [
    None, True, False, 0, -3, 2**70, 0.5, "same", (1, (2, [3])), [1, None], slice(None, 4, 2), Ellipsis, {"a": (1,), 3: 4},
    Ref(0), 1 + 2j,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_every_kind_of_argument_comes_back(value):
    """Arguments come back equal and of the same type."""
    graph = Graph((Tensor((2,)),), (Node(0, "custom", "", "", (value,), {"k": value}, (0,), (0,), "measured"),), (0,), (0,))
    back = again(graph).nodes[0]
    assert back.args == (value,) and back.kwargs == {"k": value} and type(back.args[0]) is type(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_floats_outside_json_come_back(value):
    """Infinity and not-a-number are written as words, so the text stays plain JSON."""
    graph = Graph((Tensor((2,)),), (Node(0, "custom", "", "", (value,), {}, (0,), (0,), "measured"),), (0,), (0,))
    back = again(graph).nodes[0].args[0]
    assert repr(back) == repr(value)


def test_dtypes_become_names_and_devices_text():
    """A dtype of a framework stands as its name, which the rules know."""
    torch = pytest.importorskip("torch")
    graph = Graph(
        (Tensor((2,)),), (Node(0, "custom", "", "", (torch.float16, torch.device("cpu")), {}, (0,), (0,), "measured"),), (0,), (0,)
    )
    assert again(graph).nodes[0].args == ("float16", "cpu")


def test_shared_expressions_stand_once():
    """Sixty doublings of a shared part are sixty entries, not 2**60."""
    n = leaf(1, "n", "input", ("axis", 0, 0))
    for _ in range(60):
        n = n + n
    graph = Graph((Tensor((1,)),), (Node(0, "custom", "", "", (n,), {}, (0,), (0,), "measured"),), (0,), (0,))
    data = to_json(graph)
    assert len(data["sizes"]) == 61
    assert int(from_json(data).nodes[0].args[0]) == 2**60


def test_history_problem_branches_and_modules_come_back():
    """Formulas, a branch taken, the problem a trace stopped at, and constructor numbers survive."""
    h = leaf(28, "height", "input", ("axis", 0, 2))
    size = ceil_div(scaled(h, 0.7), 3) % 5 - (-h)
    graph = Graph(
        (Tensor((1, 1, 28, 28), kind="input", axes=("N", "", "H", "W")),), (), (0,), (), (Module("conv", "Conv2d", True),),
        "net", (Cond("<=", h, 32),), Problem("it does not fit", {"wanted": 3}, "conv2d", args=(Ref(0), size)), ("a note",), True,
        (State("conv.weight", (10, 1, 5, 5)), State("lazy", None)), (ModuleCall("conv", "Conv2d", -1, (0,), (), 0, 0),),
    )  # fmt: skip
    back = again(graph)
    assert str(back.problem.args[1].formula) == str(size.formula) and back.problem.numbers == {"wanted": 3}
    assert repr(back.branches[0]) == "28 <= 32" and back.branches[0].left.leaf == h.leaf
    assert back.modules == graph.modules and back.notes == ("a note",) and back.training
    assert back.state == graph.state and back.calls == graph.calls


def test_a_refused_layer_comes_back_as_its_problem():
    """A graph that stopped keeps the sentence and the call."""
    net = Builder("stops")
    x = net.input((1, 3, 4, 4))
    with pytest.raises(Stopped):
        net.layer("Conv2d", "conv", x, args=(3, 8, 7))
    back = again(net.graph())
    assert back.problem.sentence == "the kernel spans 7 cells, 4 are there after padding" and back.problem.path == "conv"


def broken(change):
    data = copy.deepcopy(to_json(tower()))
    change(data)
    return data


BROKEN = {
    "no schema": (lambda d: d.pop("schema"), "its schema must be 'whyshape.graph.v1'"),
    "other schema": (lambda d: d.update(schema="whyshape.graph.v9"), "its schema must be"),
    "no nodes": (lambda d: d.pop("nodes"), "is damaged (KeyError"),
    "sizes claimed": (lambda d: d["tensors"][d["nodes"][0]["outputs"]["tuple"][0]]["shape"]["tuple"].__setitem__(2, 25), "does not make"),
    "a rule that is not there": (lambda d: d["nodes"][0].update(op="rm -rf"), "asks for a rule named 'rm -rf'"),
    "a call that is refused": (lambda d: d["nodes"][0]["args"]["tuple"].__setitem__(3, {"tuple": [0, 0]}), "is refused"),
    "a tensor that is not there": (lambda d: d["nodes"][0]["inputs"].update(tuple=[999]), "is damaged (IndexError"),
    "a size from later in the table": (lambda d: d["sizes"].insert(0, {"op": "+", "args": [{"size": 1}, 1], "value": 2}), "is damaged"),
    "a size that lies": (lambda d: d["sizes"].append({"op": "+", "args": [2, 2], "value": 5}), "claims that + of its parts is 5; it is 4"),
    "division by zero": (lambda d: d["sizes"].append({"op": "//", "args": [2, 0], "value": 5}), "ZeroDivisionError"),
    "an unknown operation": (lambda d: d["sizes"].append({"op": "__import__", "args": [2], "value": 5}), "is damaged (KeyError"),
    "a size without end": (lambda d: d["sizes"].append({"op": "*", "args": [1 << 9000, 2], "value": 5}), "at most 256 bits"),
    "negative size": (lambda d: d["tensors"][0].update(shape={"tuple": [-1]}), "none below zero"),
    "an unknown word": (lambda d: d["nodes"][0].update(path={"exec": "x"}), "is damaged (KeyError"),
    "a list": (lambda d: d.update(nodes=[[]]), "is damaged"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_damaged_is_refused_in_one_sentence(case):
    """Nothing is believed: schema, indices, operations and sizes are checked."""
    change, said = BROKEN[case]
    with pytest.raises(WhyshapeError) as caught:
        from_json(broken(change))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_deep_nesting_is_refused():
    """Arguments nested 5,000 deep give a sentence, not a RecursionError."""
    deep: object = 1
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(WhyshapeError, match="nested deeper than 64"):
        from_json(broken(lambda d: d["nodes"][0].update(args={"tuple": [deep]})))


def test_a_file_is_written_and_read(tmp_path):
    """The reader's door takes a path or bytes."""
    path = tmp_path / "tower.json"
    jsongraph.write(tower(), path)
    same(tower(), jsongraph.read(path))
    same(tower(), jsongraph.read(path.read_bytes()))


@pytest.mark.parametrize(
    "text, said",
    [
        (b"{", "This is not JSON: Expecting property name"),
        (b"\xff\xfe\x00", "This is not JSON"),
        (b"[" * 200_000, "This is not JSON: it is nested too deeply."),
        (b'{"a": ' + b"9" * 5000 + b"}", "This is not JSON: Exceeds the limit"),
        (b"[]", "its schema must be"),
    ],
    ids=["cut off", "bytes", "deep", "long number", "a list"],
)
def test_text_that_is_no_graph_is_refused(text, said):
    """One sentence, whatever the bytes are."""
    with pytest.raises(WhyshapeError) as caught:
        jsongraph.read(text)
    assert said in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    """A missing file is named."""
    with pytest.raises(WhyshapeError, match=r"none\.json' cannot be read: No such file or directory"):
        jsongraph.read(tmp_path / "none.json")


def test_what_goes_without_saying_is_left_out():
    """A tensor without axes says none; what is read back is the same graph, from a file with every field too."""
    net = Builder("one")
    graph = net.graph(net.call("relu", net.input((2, 3), name="x")))
    data = to_json(graph)
    assert data["tensors"][1] == {"shape": {"tuple": [2, 3]}} and "file" not in data["nodes"][0]
    whole = {**data, "tensors": [{**t, "trainable": True, "base": -1, "axes": {"tuple": []}} for t in data["tensors"]]}
    assert from_json(data) == from_json(whole) == graph


@pytest.mark.parametrize("on", [True, False])
def test_reading_leaves_the_collector_as_it_was(on):
    """It waits while a file is read, and only then; a file that is refused changes nothing either."""
    from whyshape.readers.jsongraph import read

    was = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        with pytest.raises(WhyshapeError):
            read(b"{}")
        assert gc.isenabled() is on
    finally:
        (gc.enable if was else gc.disable)()
