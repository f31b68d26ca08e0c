"""Lines under IN KERAS of what has no layer there: attention's own sums, axes that change places, power averages. Each is executed."""

import itertools
import re

import keras
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from whyshape.analyses.translate_line import keras_line, spelled
from whyshape.analyses.words_notation import Notation
from whyshape.readers.torch import read
from whyshape.rules.twins import NoTwin

WORDS = {**{k: v for k, v in vars(keras.layers).items() if k[0].isupper()}, "ops": keras.ops}


class Does(nn.Module):
    """A function as a module, with a layer before and after it where that is wanted."""

    def __init__(self, act, before=None, after=None):
        super().__init__()
        self.act, self.before, self.after = act, before or nn.Identity(), after or nn.Identity()

    def forward(self, *x):
        return self.after(self.act(self.before(x[0]), *x[1:]))


def told(module, sizes, at, dtypes=None):
    """The call of that operator: its line, its twin, and where its input and its result have their maps."""
    graph = read(module.eval(), sizes, dtypes=dtypes)
    node = next(node for node in graph.nodes if node.op == at)
    notation = Notation(graph)
    _, twin = spelled(node, notation)
    return keras_line(node, graph), twin, [notation.maps.get(t) for t in (node.inputs[0], node.outputs[0])]


def lying(x, maps):
    """A PyTorch array as it lies in Keras."""
    x = x.detach().numpy()
    return x if maps is None else np.moveaxis(x, maps, -1)


def ran(step, **names):
    made = eval(step, {**WORDS, **names})
    return keras.ops.convert_to_numpy(made(names["x"]) if isinstance(made, keras.Layer) else made)


PERMUTATIONS = [(tuple(p), 4) for p in itertools.permutations(range(4))] + [(tuple(p), 3) for p in itertools.permutations(range(3))]


@pytest.mark.parametrize("before, after", [(False, False), (True, False), (True, True)], ids=["alone", "behind maps", "between maps"])
@pytest.mark.parametrize("order, rank", PERMUTATIONS, ids=[str(p) for p, _ in PERMUTATIONS])
def test_permutations(order, rank, before, after):
    """All of them, of arrays and of pictures: the code gives the numbers, from how the input lies there to how the result does."""
    conv = (nn.Conv1d, nn.Conv2d)[rank - 3]
    size = (2, 3, 5, 6)[:rank]
    act = lambda x: x.permute(order)
    made = [size[a] for a in order]
    module = Does(act, conv(3, 3, 1) if before else None, conv(made[1], 4, 1) if after else None)
    line, twin, maps = told(module, size, "permute")
    x = module.before(torch.randn(size))
    wanted = lying(act(x), maps[1])
    got = ran(twin.steps[0], x=lying(x, maps[0]))
    assert got.shape == wanted.shape and np.array_equal(got, wanted), line
    start = 0 if twin.layout == "whole" else 1
    assert f"on {_tuple(lying(x, maps[0]).shape[start:])} -> {_tuple(wanted.shape[start:])}. Same numbers" in line
    assert (twin.layout == "whole") == (order[0] != 0)
    if before:
        assert maps[0] == 1


def _tuple(shape):
    return str(tuple(int(n) for n in shape))


@pytest.mark.parametrize("first, second", [(1, 2), (-1, -2), (2, 3), (1, 3), (0, 1), (2, 2)])
def test_two_axes(first, second):
    """`transpose` counts from both ends."""
    module = Does(lambda x: x.transpose(first, second), nn.Conv2d(3, 3, 1))
    line, twin, maps = told(module, (2, 3, 5, 6), "transpose")
    x = module.before(torch.randn(2, 3, 5, 6))
    assert np.array_equal(ran(twin.steps[0], x=lying(x, maps[0])), lying(x.transpose(first, second), maps[1])), line


def test_lines_of_permutations():
    """Maps put last lie so already; one picture alone has a batch there."""
    assert told(Does(lambda x: x.permute(0, 2, 3, 1), nn.Conv2d(3, 8, 1)), (1, 3, 5, 6), "permute")[0] == (
        "Identity() on (5, 6, 8) -> (5, 6, 8). Same numbers, maps last. It lies so already there."
    )
    assert told(Does(lambda x: x.permute(1, 0, 2)), (7, 2, 3), "permute")[0] == (
        "ops.transpose(x, (1, 0, 2)) on (7, 2, 3) -> (2, 7, 3). Same numbers."
    )
    assert told(Does(lambda x: x.permute(1, 2, 0), nn.Conv2d(3, 8, 1)), (3, 5, 6), "permute")[0] == (
        "Identity() on (5, 6, 8) -> (5, 6, 8). Same numbers, maps last. Keras wants a batch in front. It lies so already there."
    )


Q, K = (2, 3, 5, 8), (2, 3, 7, 8)
MASK = torch.rand(2, 3, 5, 7) > 0.3
MASK[..., 0] = True
ATTENTION = [
    ((Q, K, K), {}), ((Q, Q, Q), {}), ((Q, K, (2, 3, 7, 6)), {}), ((Q, Q, Q), {"is_causal": True}), ((Q, K, K), {"is_causal": True}),
    ((Q, K, K), {"scale": 0.25}), ((Q, K, K), {"attn_mask": MASK}), ((Q, K, K), {"attn_mask": MASK[0, 0]}),
    ((Q, K, K), {"attn_mask": torch.randn(3, 5, 7)}), ((Q, K, K), {"attn_mask": torch.randn(2, 1, 5, 7)}),
    ((Q[1:], K[1:], K[1:]), {}), ((Q[2:], Q[2:], Q[2:]), {"scale": 2.0}),
]  # fmt: skip


@pytest.mark.parametrize("sizes, words", ATTENTION, ids=[str(i) for i in range(len(ATTENTION))])
def test_attention(sizes, words):
    """The printed code on arrays that lie as it says gives PyTorch's numbers."""
    torch.manual_seed(0)
    module = Does(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **words))
    line, twin, _ = told(module, list(sizes), "scaled_dot_product_attention")
    arrays = [torch.randn(size) for size in sizes]
    turn = (lambda x: x.transpose(0, 2, 1, 3)) if twin.layout == "heads" else (lambda x: x)
    names = dict(zip(("query", "key", "value"), (turn(x.numpy()) for x in arrays)))
    mask = words.get("attn_mask")
    got = turn(ran(twin.steps[0], **names, attn_mask=None if mask is None else mask.numpy()))
    wanted = F.scaled_dot_product_attention(*arrays, **words).numpy()
    assert got.shape == wanted.shape and np.abs(got - wanted).max() < 1e-5, line
    assert f"{twin.steps[0]} on " in line
    if len(sizes[0]) == 4:
        here, made = sizes[0], wanted.shape
        assert f"on {(here[2], here[1], here[3])} -> {(made[2], made[1], made[3])}. Same numbers, heads behind the places." in line
    if "heads would look at heads" in line:
        left = ran(twin.steps[0], query=arrays[0].numpy(), key=arrays[1].numpy(), value=arrays[2].numpy())
        assert left.shape == wanted.shape and np.abs(left - wanted).max() > 1e-2


def test_lines_of_attention():
    """Whole, and without a twin the reason."""
    line = lambda sizes, **words: told(
        Does(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **words)), sizes, "scaled_dot_product_attention"
    )[0]
    assert line([Q, Q, Q]) == (
        "ops.dot_product_attention(query, key, value) on (5, 3, 8) -> (5, 3, 8). Same numbers, heads behind the places. "
        "Left in the order of PyTorch, heads would look at heads."
    )
    assert line([Q, K, K], dropout_p=0.5) == "no twin: ops.dot_product_attention in Keras drops no weights."
    few = (2, 1, 7, 8)
    assert line([Q, few, few], enable_gqa=True) == "no twin: every head of queries has keys of its own in Keras."
    assert line([Q[1:], K[1:], K[1:]], is_causal=True) == (
        "no twin: attention with a mask wants four axes in Keras: batch, places, heads, numbers."
    )
    with pytest.raises(ValueError, match="4D"):
        keras.ops.dot_product_attention(*[np.zeros(Q[1:], "float32")] * 3)


LP = [(n, p, k, s, ceil) for n in (1, 2, 3) for p in (1.0, 2.0, 3.0) for k, s in ((2, None), (3, 2), (1, 2)) for ceil in (False, True)]


@pytest.mark.parametrize("n, p, k, s, ceil", LP)
def test_power_averages_have_no_twin(n, p, k, s, ceil):
    """Said with the reason; the average of the window has the same size and other values."""
    module = (nn.LPPool1d, nn.LPPool2d, nn.LPPool3d)[n - 1](p, k, s, ceil)
    size = (1, 2, *(7, 8, 6)[:n])
    line, twin, _ = told(module, size, f"lp_pool{n}d")
    assert isinstance(twin, NoTwin)
    reason = "pooling in Keras takes the largest or the average of a window, never the root of its sum of powers"
    assert line.startswith(f"no twin: {reason}.")
    x = torch.rand(size)
    wanted = lying(module(x), 1)
    if k > 1 and not ceil:
        assert len(twin.beware) == 1
    for alike in twin.beware:
        got = ran(alike.steps[0], x=lying(x, 1))
        assert got.shape == wanted.shape and np.abs(got - wanted).max() > 1e-3, line
        assert line.endswith("but not the same values: it is the average of the window.")
        average = getattr(F, f"avg_pool{n}d")(x, k, s, ceil_mode=ceil)
        assert np.allclose(got, lying(average, 1), atol=1e-6)


@pytest.mark.parametrize("n, k, s, ceil", [(1, 2, None, False), (2, 3, 2, False), (2, (3, 2), (1, 2), False), (2, 3, 2, True)])
def test_an_infinite_power_is_the_largest(n, k, s, ceil):
    """The largest absolute value; MaxPooling alone has the same size and keeps the sign."""
    module = (nn.LPPool1d, nn.LPPool2d)[n - 1](float("inf"), k, s, ceil)
    size = (1, 2, *(8, 9)[:n])
    line, twin, _ = told(module, size, f"lp_pool{n}d")
    x = torch.randn(size) - 4
    wanted = lying(module(x), 1)
    got, other = (steps_ran(steps, lying(x, 1)) for steps in (twin.steps, twin.beware[0].steps))
    assert np.array_equal(got, wanted) and other.shape == wanted.shape and not np.allclose(other, wanted), line
    assert "An infinite power takes the largest absolute value." in line and re.match(r"MaxPooling\dD", twin.layer)


def test_the_smallest():
    """The other infinity."""
    line, twin, _ = told(nn.LPPool1d(float("-inf"), 2), (1, 2, 8), "lp_pool1d")
    assert isinstance(twin, NoTwin) and line == "no twin: pooling in Keras never takes the smallest of a window."
    x = torch.randn(1, 2, 8)
    assert np.array_equal(nn.LPPool1d(float("-inf"), 2)(x), x.abs().unflatten(-1, (4, 2)).amin(-1))


def steps_ran(steps, x):
    for step in steps:
        x = ran(step, x=x)
    return x
