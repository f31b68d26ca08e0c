"""What the page computes is what Python derives and what PyTorch does."""

from __future__ import annotations

import random

import pytest
import torch

from whyshape.analyses.field import window
from whyshape.analyses.report import report
from whyshape.analyses.report_calls import Calls
from whyshape.graph import Builder, Stopped, derive
from whyshape.sizes import Size

# Layers as a page shows them, and the numbers its knobs may be turned to. Where PyTorch has no layer of its own for a setting
# (a bias as long as its maps, say) the layer is built with it; the page gets the one trace of the first row and only knobs.
BASES = {
    "conv": ("Conv2d", (4, 6, 3), {}),
    "conv1d": ("Conv1d", (4, 6, 3), {}),
    "grouped": ("Conv2d", (4, 6, 3), {"groups": 2}),
    "pair": ("Conv2d", (4, 6, (3, 2)), {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}),
    "max": ("MaxPool2d", (3,), {"stride": 2, "padding": 1}),
    "max ceil": ("MaxPool2d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True}),
    "avg": ("AvgPool2d", (3,), {"stride": 2}),
    "avg ceil": ("AvgPool2d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True}),
    "up": ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
    "adaptive": ("AdaptiveAvgPool2d", ((3, 4),), {}),
    "unfold": ("Unfold", (3,), {"padding": 1, "stride": 2}),
    "linear": ("Linear", (13, 5), {}),
    "shuffle": ("PixelShuffle", (2,), {}),
    "norm": ("BatchNorm2d", (4,), {}),
}
TURNS = {"kernel_size": (1, 6), "stride": (1, 4), "padding": (0, 4), "dilation": (1, 3), "output_padding": (0, 3), "output_size": (1, 9),
         "upscale_factor": (1, 3), "out_channels": (1, 8), "out_features": (1, 8), "in_features": (11, 16)}  # fmt: skip


def trace_of(base):
    name, args, kwargs = BASES[base]
    net = Builder(base)
    size = (2, 4, 14) if name.endswith("1d") else (2, 4, 14, 13)
    out = net.layer(name, "layer", net.input(size), args=args, kwargs=kwargs)
    return net.graph(out)


def turned(rng, graph, node):
    """Random values for some of the knobs, and a random input."""
    knobs = derive(graph, node).knobs
    chosen = {}
    for name in knobs:
        low_high = TURNS.get(name.split("[")[0])
        if low_high and rng.random() < 0.8:
            chosen[name] = rng.randint(*low_high)
    shape = graph.tensors[graph.inputs[0]].shape
    size = (shape[0], rng.choice([shape[1], shape[1], shape[1], shape[1] + 1]), *(rng.randint(1, 20) for _ in shape[2:]))
    return chosen, size


def in_torch(base, graph, knobs, size):
    """The shape plain eager PyTorch gives with these settings, or None where it refuses."""
    name, _, kwargs = BASES[base]
    node = graph.nodes[-1]
    value = {k: int(v) for k, v in derive(graph, node).knobs.items()} | knobs
    n = 1 if name.endswith("1d") else 2

    def each(word):
        found = [value[k] for k in value if k.split("[")[0] == word]
        return tuple(found) if len(found) > 1 else found[0] if found else None

    x = torch.zeros(size)
    F = torch.nn.functional
    try:
        if "Conv" in name:
            first, second = value["out_channels"], value["in_channels"]
            if "Transpose" in name:
                first, second = second, first
            kernel = each("kernel_size")
            weight = torch.zeros(first, second, *(kernel if isinstance(kernel, tuple) else (kernel,) * n))
            call = getattr(F, f"conv{'_transpose' if 'Transpose' in name else ''}{n}d")
            extra = {"output_padding": each("output_padding")} if "Transpose" in name else {}
            bias = torch.zeros(value["out_channels"])
            return tuple(
                call(
                    x,
                    weight,
                    bias,
                    stride=each("stride"),
                    padding=each("padding"),
                    dilation=each("dilation"),
                    groups=value["groups"],
                    **extra,
                ).shape
            )
        if name == "Linear":
            return tuple(F.linear(x, torch.zeros(value["out_features"], value["in_features"]), torch.zeros(value["out_features"])).shape)
        if name == "BatchNorm2d":
            c = value["num_features"]
            return tuple(F.batch_norm(x, torch.zeros(c), torch.ones(c), torch.ones(c), torch.zeros(c)).shape)
        keywords = dict(kwargs)
        names = (
            ["output_size"]
            if "Adaptive" in name
            else ["upscale_factor"]
            if "Shuffle" in name
            else ["kernel_size", "stride", "padding", "dilation"]
        )
        for word in names:
            if each(word) is not None:
                keywords[word] = each(word)
        return tuple(getattr(torch.nn, name)(**keywords)(x).shape)
    except (RuntimeError, ValueError):
        return None


def in_python(graph, knobs, size):
    """The same asked of the rule: its own call, with those numbers in place of its knobs and that input."""
    tensors = list(graph.tensors)
    tensors[graph.inputs[0]] = tensors[graph.inputs[0]]._replace(shape=size)
    derived = derive(graph._replace(tensors=tuple(tensors)), graph.nodes[-1], knobs)
    return None if derived.refusal is not None else tuple(int(n) for n in derived.shapes[0])


def compare(ask, count, seed):
    rng = random.Random(seed)
    bases = {base: trace_of(base) for base in BASES}
    models = {base: report(graph) for base, graph in bases.items()}
    order = list(models)
    rows, questions = [], []
    for i in range(count):
        base = order[i % len(order)]
        graph = bases[base]
        knobs, size = turned(rng, graph, graph.nodes[-1])
        tensor = models[base]["inputs"][0][0]
        rows.append((base, knobs, size))
        questions.append({"model": order.index(base), "changes": {"inputs": {tensor: size}, "knobs": {graph.nodes[-1].index: knobs}}})
    wrong, fitted = [], 0
    for (base, knobs, size), answer in zip(rows, ask(list(models.values()), questions)):
        graph, data = bases[base], models[base]
        out = data["nodes"][-1][2][0]
        page = None if answer.get("stop") else tuple(answer["sizes"][out])
        true = in_torch(base, graph, knobs, size)
        python = in_python(graph, knobs, size)
        fitted += true is not None
        if not page == true == python:
            wrong.append((base, knobs, size, {"page": page, "torch": true, "python": python, "stop": answer.get("stop")}))
    return wrong, fitted


def test_a_turned_knob_gives_what_pytorch_gives(ask):
    """300 random settings: the page, the trees in Python and plain eager PyTorch agree on every size and every refusal."""
    wrong, fitted = compare(ask, 300, 0)
    assert wrong == []
    assert fitted > 120  # refusals are wanted too, but not only


@pytest.mark.full
def test_a_turned_knob_gives_what_pytorch_gives_5000(ask):
    """The same for 5,000."""
    wrong, fitted = compare(ask, 5000, 1)
    assert wrong == []
    assert fitted > 2000


def test_the_page_reproduces_the_trace(ask, nets):
    """Unchanged, every tensor the page computes has the size it was traced with."""
    graphs = [nets.thread(), nets.residual()]
    data = [report(graph) for graph in graphs]
    for told, answer in zip(data, ask(data, [{"model": 0}, {"model": 1}])):
        assert "stop" not in answer
        assert answer["sizes"] == [told["shapes"][shape] for shape in told["tensors"]]


def test_formulas_read_the_same(ask, nets):
    """The page writes a formula letter for letter as Python does."""
    for graph in (nets.thread(), nets.residual(), *(trace_of(base) for base in BASES)):
        data = report(graph)
        told = ask([data], [{"model": 0, "text": True}])[0]["text"]
        for node, shapes in zip(graph.nodes, told):
            expected = [[str(n.formula) if isinstance(n, Size) else str(n) for n in shape] for shape in derive(graph, node).shapes]
            assert shapes == expected, node


def test_a_change_upstream_is_refused_in_the_layers_own_words(ask, nets):
    """32 x 32 into the thread's network: fc1 refuses with its numbers, and the repair the page offers makes all of it run."""
    data = report(nets.thread())
    answer = ask([data], [{"model": 0, "changes": {"inputs": {data["inputs"][0][0]: [1, 1, 32, 32]}, "knobs": {}}, "repairs": True}])[0]
    assert answer["stop"]["sentence"] == "320 features are wanted on the last axis, 500 arrive"
    assert answer["repairs"] == [{"node": 8, "knob": "in_features", "value": 500}]


@pytest.mark.parametrize("cell", [(0, 0), (1, 2), (3, 3)])
def test_a_traced_cell_sees_what_python_says(ask, nets, cell):
    """The page's trace of a pool_2 cell is the exact window of `analyses.field`."""
    graph = nets.thread()
    data = report(graph)
    node = 5  # maxpool_2
    made = data["nodes"][node][2][0]
    bands = ask([data], [{"model": 0, "trace": [made, cell]}])[0]["trace"]
    band = bands[str(data["inputs"][0][0])]
    seen = window(graph, graph.nodes[node].outputs[0], (0, 0, *cell))
    assert band["exact"]
    assert [[max(0, a), min(27, b)] for a, b in band["spans"]] == [[seen[2].first, seen[2].last], [seen[3].first, seen[3].last]]


def test_the_threads_own_cell(ask, nets):
    """pool_2's cell (1, 2) looks at rows 4..19 and columns 8..23 of the image: 16 cells a side, in steps of 4."""
    data = report(nets.thread())
    bands = ask([data], [{"model": 0, "trace": [data["nodes"][5][2][0], [1, 2]]}])[0]["trace"]
    assert bands["0"]["spans"] == [[4, 19], [8, 23]]


@pytest.mark.parametrize("window", [(3, 1, 1, 1, 1), (3, 2, 0, 2, 0), (5, 3, 2, 1, 2), (3, -2, 1, 1, 1), (4, -3, 0, 2, 0)])
def test_who_reads_a_cell(ask, nets, window):
    """For each input cell: the outputs that read it are those whose window covers it, transposed or not."""
    answer = ask([report(nets.thread())], [{"model": 0, "window": window, "outputs": 17}])[0]
    assert all(solved == searched for solved, searched in answer["readers"])
    assert any(searched for _, searched in answer["readers"])


@pytest.mark.parametrize("stem", [(11, 4, 0), (3, 2, 1), (2, 3, 1)])
def test_padding_reads_nothing(ask, stem):
    """Behind a padded layer a cell sees what Python's exact window says: no column that the stem's stride never reaches, no padding's own."""
    kernel, stride, padding = stem
    net = Builder("padded")
    x = net.layer("Conv2d", "stem", net.input((1, 1, 30, 30)), args=(1, 2, kernel), kwargs={"stride": stride, "padding": padding})
    x = net.layer("Conv2d", "padded", x, args=(2, 2, 3), kwargs={"padding": 1})
    x = net.layer("ConvTranspose2d", "up", x, args=(2, 2, 4), kwargs={"stride": 2, "padding": 1})
    graph = net.graph(net.layer("Conv2d", "last", x, args=(2, 2, 3), kwargs={"padding": 1}))
    data, last = report(graph), graph.nodes[-1].outputs[0]
    n = graph.tensors[last].shape[-1]
    made = data["nodes"][-1][2][0]
    answers = ask([data], [{"model": 0, "trace": [made, [i, n - 1 - i]]} for i in range(n)])
    for i, answer in enumerate(answers):
        seen = window(graph, last, (0, 0, i, n - 1 - i))
        spans = answer["trace"][str(data["inputs"][0][0])]["spans"]
        assert [[max(0, a), min(29, b)] for a, b in spans] == [[seen[a].first, seen[a].last] for a in (2, 3)], i


def test_a_skip_joins_both_paths(ask, nets):
    """Over residual blocks the union of the paths is traced, and agrees with Python's."""
    graph = nets.residual(2)
    data = report(graph)
    node = next(n for n in reversed(graph.nodes) if n.op == "add")
    bands = ask([data], [{"model": 0, "trace": [data["nodes"][node.index][2][0], [5, 6]]}])[0]["trace"]
    seen = window(graph, node.outputs[0], (0, 0, 5, 6))
    band = bands[str(data["inputs"][0][0])]["spans"]
    assert [[max(0, a), min(31, b)] for a, b in band] == [[seen[a].first, seen[a].last] for a in (2, 3)]


def test_a_stopped_graph_still_makes_a_page(nets):
    """A trace that stopped is shown up to there, with its sentence."""
    net = Builder("stopped")
    x = net.layer("Conv2d", "a", net.input((1, 1, 4, 4)), args=(1, 2, 3))
    with pytest.raises(Stopped):
        net.layer("Conv2d", "b", x, args=(2, 2, 5))
    data = report(net.graph())
    assert data["problem"]["sentence"] == "the kernel spans 5 cells, 2 are there after padding" and data["problem"]["path"] == "b"


def test_counts_follow_the_sizes(ask, nets):
    """Learned numbers and multiply-adds at another input and with another kernel are those of a model read so."""
    small, large = nets.residual(2, 32), nets.residual(2, 48)
    data, fresh = report(small), report(large)
    changed = {"inputs": {data["inputs"][0][0]: [1, 3, 48, 48]}, "knobs": {}}
    told, read = ask([data, fresh], [{"model": 0, "changes": changed}, {"model": 1}])
    assert told["counts"] == read["counts"] and sum(macs for _, macs in told["counts"]) > 1_000_000
    assert [sum(column) for column in zip(*read["counts"])] == fresh["totals"]  # which the page shows before it has asked each call
    wide, narrow = nets.one((4, 6, 5), {}), nets.one((4, 6, 3), {})
    knobs = {"inputs": {}, "knobs": {0: {"kernel_size[0]": 5, "kernel_size[1]": 5}}}
    told, read = ask([report(narrow), report(wide)], [{"model": 0, "changes": knobs}, {"model": 1}])
    assert told["counts"] == read["counts"]


def shrinking():
    """A network whose calls differ in the sizes that arrive, and whose sums and transposes must not be shared."""
    net = Builder("sizes")
    x = net.input((1, 4, 60, 64))
    for i in range(3):
        x = net.layer("ReLU", f"relu{i}", net.layer("Conv2d", f"conv{i}", x, args=(4, 4, 3)))
        x = net.layer("AdaptiveAvgPool2d" if i == 1 else "MaxPool2d", f"pool{i}", x, args=(14,) if i == 1 else (2,))
        x = net.call("transpose", net.call("add", x, x), 2, 3)
    return net.graph(x)


def test_a_derivation_is_reused_only_where_it_is_the_same(monkeypatch):
    """Calls that differ in the sizes that arrive share one derivation: the data is that of a report that derives every call."""
    again, reused = Calls.again, []
    monkeypatch.setattr(Calls, "again", lambda *asked: reused.append(again(*asked)) or reused[-1])
    shared = report(shrinking())
    monkeypatch.setattr(Calls, "again", lambda *asked: None)
    assert shared == report(shrinking()) and any(reused)


def test_an_observation_is_not_stretched(ask, nets):
    """A call that was measured keeps its sizes only while what arrives is what arrived; after that the page says it does not know."""
    graph = nets.thread()
    nodes = [n._replace(by="measured", why="no rule explains it") if n.op == "relu" else n for n in graph.nodes]
    data = report(graph._replace(nodes=tuple(nodes)))
    same, other = ask([data], [{"model": 0}, {"model": 0, "changes": {"inputs": {data["inputs"][0][0]: [1, 1, 30, 28]}, "knobs": {}}}])
    assert "stop" not in same
    assert other["stop"]["known"] is False and "No formula is known for relu here" in other["stop"]["sentence"]
