"""Results lie in memory as PyTorch lays them: a later `view` runs where PyTorch runs it, and is refused where it refuses."""

from __future__ import annotations

import pytest
import torch

from whyshape.readers.torch import read

place = torch.tensor([0])
CALLS = {
    "flip": lambda x: x.flip(0),
    "fliplr": torch.fliplr,
    "flipud": torch.flipud,
    "index_fill": lambda x: x.index_fill(0, place.to(x.device), 1.0),
    "index_put": lambda x: x.index_put((place.to(x.device),), x[:1]),
    "select_scatter": lambda x: x.select_scatter(x[0], 0, 0),
    "slice_scatter": lambda x: x.slice_scatter(x),
    "zeros_like": torch.zeros_like,
    "rand_like": torch.rand_like,
    "zeros_like row by row": lambda x: torch.zeros_like(x, memory_format=torch.contiguous_format),
    "tril": torch.tril,
    "index_add": lambda x: x.index_add(0, place.to(x.device), x[:1]),
    "scatter_add": lambda x: x.scatter_add(0, torch.zeros(1, 1, 1, dtype=torch.int64, device=x.device), x),
}


class Turned(torch.nn.Module):
    """A tensor whose axes were turned, one call, and a view of all its numbers."""

    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(x.transpose(1, 2)).view(-1)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("size", [(2, 3, 4), (1, 5, 1)])
def test_a_view_after_it(name, size):
    """Run or refused, as eager PyTorch does."""
    model = Turned(CALLS[name])
    try:
        model(torch.rand(size))
        runs = True
    except RuntimeError as refusal:
        assert "view size" in str(refusal)
        runs = False
    assert (read(model, size).problem is None) == runs


def test_both_happen():
    """Some of these are refused and some run: the test can fail both ways."""
    with pytest.raises(RuntimeError, match="view size"):
        Turned(CALLS["flip"])(torch.rand(2, 3, 4))
    Turned(CALLS["tril"])(torch.rand(2, 3, 4))


FORMATS = {"channels last": torch.channels_last, "as it lies": torch.preserve_format}
ASKED = {
    "clone": lambda x, form: x.clone(memory_format=form),
    "to": lambda x, form: x.to(torch.float64, memory_format=form),
    "contiguous": lambda x, form: x.contiguous(memory_format=torch.contiguous_format if form is torch.preserve_format else form),
    "zeros_like": lambda x, form: torch.zeros_like(x, memory_format=form),
}
MAPS = {
    "clamp": lambda x: x.clamp(0, 1),
    "comparison": lambda x: x > 0,
    "where": lambda x: torch.where(x > 0, x, x * 2),
    "another dtype": lambda x: x.double(),
    "lerp": lambda x: torch.lerp(x, x * 2, 0.5),
    "one row by row before": lambda x: torch.ones(x.shape, device=x.device) + x,
    "one row by row behind": lambda x: x + torch.ones(x.shape, device=x.device),
    "masked_fill": lambda x: x.masked_fill(x > 0, 0),
    "masked_scatter": lambda x: x.masked_scatter(x > 0, x),
    "normalize": lambda x: torch.nn.functional.normalize(x, dim=1),
    "glu": lambda x: torch.nn.functional.glu(x, 1),
    "group_norm": lambda x: torch.nn.functional.group_norm(x, 2),
    "roll": lambda x: x.roll(1, 1),
    "softmax": lambda x: x.softmax(1),
    "cat": lambda x: torch.cat([x, x], 1),
    "max_pool2d": lambda x: torch.nn.functional.max_pool2d(x, 2),
    "interpolate": lambda x: torch.nn.functional.interpolate(x, scale_factor=2),
    "conv2d": lambda x: torch.nn.functional.conv2d(x, torch.ones(6, 4, 3, 3, device=x.device)),
    "sort": lambda x: x.sort(1)[0],
    "places of sort": lambda x: x.sort(2)[1],
    "argsort": lambda x: x.argsort(1),
    "msort": torch.msort,
    "topk": lambda x: x.topk(2, 1)[0],
    "rrelu": torch.nn.functional.rrelu,
    "bernoulli": torch.bernoulli,
    "cat with one row by row": lambda x: torch.cat([x, torch.ones(x.shape, device=x.device)], 1),
    **{f"stack {axis}": lambda x, axis=axis: torch.stack([x, x], axis) for axis in range(5)},
    **{f"{how} {last}": lambda x, make=make, form=form: make(x, form) for last, form in FORMATS.items() for how, make in ASKED.items()},
}
LYING = {
    "row by row": lambda: torch.rand(2, 4, 6, 6),
    "channels last": lambda: torch.rand(2, 4, 6, 6).to(memory_format=torch.channels_last),
    "permuted": lambda: torch.rand(2, 6, 6, 4).permute(0, 3, 1, 2),
    "transposed": lambda: torch.rand(2, 4, 6, 6).transpose(2, 3),
    "turned about": lambda: torch.rand(6, 4, 2, 6).permute(2, 1, 0, 3),
}


class Calls(torch.nn.Module):
    """One call."""

    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(x)


@pytest.mark.parametrize("lying", LYING)
@pytest.mark.parametrize("name", MAPS)
def test_maps_lie_as_eager_pytorch_lays_them(name, lying):
    x = LYING[lying]()
    graph = read(Calls(MAPS[name]), input_data=(x,))
    made = graph.tensors[graph.outputs[0]]
    assert tuple(made.strides or torch.empty(made.shape).stride()) == MAPS[name](x).stride()


LAYERS = {
    "Conv2d": lambda: torch.nn.Conv2d(4, 8, 3),
    "1x1": lambda: torch.nn.Conv2d(4, 8, 1),
    "depthwise": lambda: torch.nn.Conv2d(4, 4, 3, groups=4),
    "ConvTranspose2d": lambda: torch.nn.ConvTranspose2d(4, 8, 3),
    "norm and pool": lambda: torch.nn.Sequential(torch.nn.Conv2d(4, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.MaxPool2d(2)),
}


@pytest.mark.parametrize("lying", LYING)
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("form", [torch.channels_last, torch.contiguous_format])
def test_weights_that_lie_channels_last(name, lying, form):
    """`model.to(memory_format=torch.channels_last)`: the maps of a convolution lie so although its input does not."""
    model, x = LAYERS[name]().to(memory_format=form), LYING[lying]()
    graph = read(model, input_data=(x,))
    made = graph.tensors[graph.outputs[0]]
    assert tuple(made.strides or torch.empty(made.shape).stride()) == model(x).stride()


@pytest.mark.parametrize("form", [torch.channels_last, torch.contiguous_format])
def test_one_channel_is_taken_for_channels_last_where_it_was_laid_so(form):
    """A grey image may lie both ways at once; the steps tell PyTorch which was meant, and the next `view` is refused or not."""
    model, x = torch.nn.Conv2d(1, 8, 3), torch.rand(2, 1, 6, 6).to(memory_format=form)
    graph = read(model, input_data=(x,))
    made = graph.tensors[graph.outputs[0]]
    assert tuple(made.strides or torch.empty(made.shape).stride()) == model(x).stride()


def test_a_view_of_channels_last_maps_is_refused():
    """As PyTorch refuses it; with `reshape` it runs."""
    for flatten, fits in ((lambda x: x.view(x.size(0), -1), False), (lambda x: x.reshape(x.size(0), -1), True)):
        model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), Calls(flatten)).to(memory_format=torch.channels_last)
        if not fits:
            with pytest.raises(RuntimeError, match="view size"):
                model(torch.rand(1, 3, 8, 8))
        assert (read(model, (1, 3, 8, 8)).problem is None) == fits
