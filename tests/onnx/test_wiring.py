"""Networks of the same calls, wired otherwise: never called the same without a run. Those that are only written otherwise are proved."""

import contextlib
import io
import warnings

import pytest

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from whyshape.analyses.compare import compare  # noqa: E402

torch.set_num_threads(1)


class Net(nn.Module):
    """Layers of one size, and any wiring of them."""

    def __init__(self, wiring, layer=lambda: nn.Conv2d(4, 4, 3, padding=1), n=3):
        super().__init__()
        self.layers, self.wiring = nn.ModuleList(layer() for _ in range(n)), wiring
        torch.manual_seed(0)
        for tensor in self.parameters():
            nn.init.normal_(tensor, 0, 0.4)
        self.eval()

    def forward(self, *x):
        return self.wiring(self.layers, *x)


def linear():
    return nn.Linear(6, 6)


def attend(q, k, v):
    return (q @ k.transpose(-1, -2) * 0.5).softmax(-1) @ v


def skip_of(first):
    def wiring(m, x):
        a = m[0](x).relu()
        b = m[1](a).relu()
        return m[2](b) + (x, a, b)[first]

    return wiring


def turned(*order):
    return lambda m, x: m[0](x).reshape(1, 4, 4, 4).permute(0, *order).reshape(1, 4, 16).softmax(-1)


def cut(start):
    return lambda m, x: m[1](x[..., start : start + 6]).relu()


IMAGE, WORDS = ((1, 4, 6, 6),), ((1, 6, 6),)
# What is exported, and its twin: name -> (layer, input shapes, wiring, rewired)
TWINS = {
    "two convolutions swapped": (None, IMAGE, lambda m, x: m[1](m[0](x).relu()), lambda m, x: m[0](m[1](x).relu())),
    "a skip from the input": (None, IMAGE, skip_of(1), skip_of(0)),
    "a skip from later": (None, IMAGE, skip_of(1), skip_of(2)),
    "queries and keys": (linear, WORDS, lambda m, x: attend(m[0](x), m[1](x), m[2](x)), lambda m, x: attend(*[m[i](x) for i in (0, 1, 2)][1::-1], m[2](x))),
    "keys and values": (linear, WORDS, lambda m, x: attend(*[f(x) for f in m]), lambda m, x: (lambda q, k, v: attend(q, v, k))(*[f(x) for f in m])),
    "fused queries and keys": (linear, WORDS, lambda m, x: F.scaled_dot_product_attention(*[f(x) for f in m]),
                               lambda m, x: (lambda q, k, v: F.scaled_dot_product_attention(k, q, v))(*[f(x) for f in m])),
    "the order of a difference": (None, IMAGE, lambda m, x: (lambda a, b: a - b)(m[0](x), m[1](x)), lambda m, x: (lambda a, b: b - a)(m[0](x), m[1](x))),
    "the order of a join": (None, IMAGE, lambda m, x: torch.cat([f(x) for f in m], 1), lambda m, x: torch.cat([f(x) for f in m][::-1], 1)),
    "parallel, not one after another": (None, IMAGE, lambda m, x: m[1](m[0](x)).relu() + x, lambda m, x: (m[0](x), m[1](x))[1].relu() + x),
    "inputs exchanged": (None, IMAGE * 2, lambda m, x, y: m[0](x) + m[1](y), lambda m, x, y: m[0](y) + m[1](x)),
    "outputs exchanged": (None, IMAGE, lambda m, x: (m[0](x), m[1](x)), lambda m, x: (m[0](x), m[1](x))[::-1]),
    "softmax along another axis": (linear, WORDS, lambda m, x: m[0](x).softmax(-1), lambda m, x: m[0](x).softmax(-2)),
    "another turn": (lambda: nn.Conv2d(4, 4, 1), ((1, 4, 4, 4),), turned(1, 3, 2), turned(2, 1, 3)),
    "the transpose of a square": (linear, WORDS, lambda m, x: m[0](x).transpose(1, 2), lambda m, x: m[0](x).transpose(1, 2).transpose(1, 2).reshape(1, 6, 6)),
    "another half": (linear, ((1, 3, 12),), cut(0), cut(6)),
    "pieces exchanged": (linear, ((1, 3, 12),), lambda m, x: (lambda a, b: m[0](a) + m[1](b))(*x.split(6, -1)),
                         lambda m, x: (lambda a, b: m[0](b) + m[1](a))(*x.split(6, -1))),
    "another number": (linear, WORDS, lambda m, x: m[0](x) * 0.5, lambda m, x: m[0](x) * 0.6),
    "a limit": (linear, WORDS, lambda m, x: m[0](x).clamp(0, 1), lambda m, x: m[0](x).clamp(0, 0.9)),
    "the gate of a product": (linear, WORDS, lambda m, x: F.silu(m[0](x)) * m[1](x), lambda m, x: m[0](x) * F.silu(m[1](x))),
    "a norm before or after": (lambda: nn.LayerNorm(6), WORDS, lambda m, x: m[1](m[0](x) + x), lambda m, x: m[1](m[0](x + 0) + m[0](x))),
    "rounded otherwise": (linear, WORDS, lambda m, x: F.gelu(m[0](x)), lambda m, x: F.gelu(m[0](x), approximate="tanh")),
}  # fmt: skip


def file_of(model, shapes, path, dynamo=False) -> str:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # the exporters speak about themselves
        words = {"external_data": False} if dynamo else {"opset_version": 17}
        torch.onnx.export(model, tuple(map(torch.zeros, shapes)), str(path), dynamo=dynamo, **words)
    return str(path)


@pytest.mark.parametrize("name", TWINS)
def test_a_rewired_twin_is_never_called_the_same(name, tmp_path):
    """The file of one is its model, proved; it is not the twin, whose layers, sizes and weights are the same."""
    layer, shapes, wired, rewired = TWINS[name]
    own, twin = (Net(w, *([layer] if layer else [])) for w in (wired, rewired))
    drawn = [torch.randn(s) for s in shapes]
    flat = lambda made: torch.cat([t.flatten() for t in (made if isinstance(made, tuple) else (made,))])
    assert not torch.allclose(flat(own(*drawn)), flat(twin(*drawn)), atol=1e-5)  # they are two networks
    path = file_of(own, shapes, tmp_path / "net.onnx")
    same = compare(path, own, list(shapes), weights="inline")
    other = compare(path, twin, list(shapes), weights="inline")
    assert same.equal and same.verdict.startswith("The same network"), same.verdict
    assert not other.equal and other.verdict.startswith(("Not the same network", "Not proved to be the same", "Not decided without")), (
        other.verdict
    )
    assert not compare(own, twin, list(shapes)).equal


def test_a_graph_in_json_is_compared_as_the_file_it_came_from(tmp_path):
    """What a file says of its constants, and which calls were read for their sizes alone, is written down and read again."""
    from whyshape.errors import WhyshapeError
    from whyshape.graph.json import from_json, to_json
    from whyshape.readers.onnx import read

    model = Net(lambda m, x: F.gelu(m[0](x)) * 0.5, linear)
    graph = read(file_of(model, WORDS, tmp_path / "net.onnx"), WORDS[0])
    data = to_json(graph)
    assert from_json(data) == graph and compare(from_json(data), model, list(WORDS)).equal
    sized = graph._replace(sized=(len(graph.nodes) - 1,))
    assert from_json(to_json(sized)) == sized and not compare(sized, model, list(WORDS)).equal
    constant = next(t for t in data["tensors"] if "number" in t)
    for wrong in ("0.5", 2**2000, [1.0]):
        constant["number"] = wrong
        with pytest.raises(WhyshapeError, match="damaged"):
            from_json(data)


def test_memory_that_goes_round_in_a_circle():
    """A graph written by somebody else: two tensors that each lie in the other, and a result put in place."""
    from whyshape.graph import Graph
    from whyshape.readers.torch import read

    graph = read(nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True)), (1, 4))
    tensors = list(graph.tensors)
    a, b = graph.nodes[-1].inputs[0], graph.nodes[-1].outputs[0]
    tensors[a], tensors[b] = tensors[a]._replace(base=b), tensors[b]._replace(base=a)
    round_about: Graph = graph._replace(tensors=tuple(tensors))
    assert compare(round_about, graph).alike


def test_a_view_of_what_was_overwritten_is_not_proved():
    """An older view reads what was put in place since: the same calls in another order are another network."""

    def overwritten(m, x):
        y = m[0](x)
        half = y[..., :3]
        y.mul_(0.5)
        return half + 1.0

    def before(m, x):
        y = m[0](x)
        half = y[..., :3]
        y.mul(0.5)
        return half + 1.0

    assert not compare(Net(overwritten, linear), Net(before, linear), list(WORDS)).equal
