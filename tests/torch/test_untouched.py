"""The user's model, dice and modes are the same after a trace as before: after success, failure, Ctrl-C, and two threads at once."""

from __future__ import annotations

import random
import threading
import warnings
from collections import OrderedDict, defaultdict, deque

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from whyshape.errors import WhyshapeError
from whyshape.readers.torch import read, verify
from whyshape.readers.torch.untouched import _only_pytorch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_modules import module_db


def digest(model) -> dict:
    """Everything a user could notice: numbers, names, hooks, flags, attributes, dice, modes."""
    modules = dict(model.named_modules())
    return {
        "numbers": {
            k: (v.data_ptr() if not v.is_meta else 0, v._version, v.requires_grad, v.grad is None)
            for k, v in model.state_dict(keep_vars=True).items()
        },
        "values": {k: v.sum().item() for k, v in model.state_dict().items() if not v.is_meta},
        "modes": {k: m.training for k, m in modules.items()},
        "hooks": {k: [list(v.items()) for v in vars(m).values() if type(v) is OrderedDict] for k, m in modules.items()},
        "attributes": {k: {a: id(v) for a, v in m.__dict__.items()} for k, m in modules.items()},
        "contents": {k: {a: list(v) for a, v in m.__dict__.items() if type(v) in (list, dict, set)} for k, m in modules.items()},
        "kept": {k: repr({a: v for a, v in m.__dict__.items() if a in HABITS}) for k, m in modules.items()},
        "dice": (torch.get_rng_state().tolist(), random.getstate(), repr(np.random.get_state())),
        "grad": torch.is_grad_enabled(),
        "defaults": (
            torch.get_default_dtype(),
            torch.empty(0).device,
            torch.is_autocast_enabled("cpu"),
            torch.get_autocast_dtype("cpu"),
        ),
        "call": nn.Module.__call__,
    }


def leave(*args):
    """A hook that changes nothing."""


HABITS = ("steps", "nested", "state", "recent", "plain")  # what `Keeps` holds that is more than a list of its own


class State:
    """What people put into `self.state`: a plain object with attributes."""

    def __init__(self):
        self.step, self.seen = 0, []

    def __repr__(self):
        return f"{self.step} {self.seen}"


class Keeps(nn.Module):
    """A model with bad habits: it keeps state, counts, caches, rolls dice, switches flags, and swaps a part."""

    def __init__(self, fails=None):
        super().__init__()
        self.conv, self.norm, self.drop = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Dropout()
        self.register_buffer("seen", torch.zeros(()))
        self.calls, self.cache, self.sizes, self.fails = 0, {}, [], fails
        self.nested, self.state, self.recent, self.plain = {"k": [], "v": {"last": [1]}}, State(), deque(maxlen=3), [nn.Identity()]
        self.steps = defaultdict(int)
        self.handle = self.conv.register_forward_hook(leave)

    def forward(self, x):
        self.calls += 1
        self.last = x
        self.cache[x.shape[0]] = x
        self.sizes.append(x.size(2))
        self.drop.eval()
        self.seen += 1
        self.seen = self.seen + 1
        random.random()
        np.random.rand()
        torch.manual_seed(7)
        torch.set_autocast_dtype("cpu", torch.float16)
        self.nested["k"].append(1)
        self.nested["v"]["last"].clear()
        self.state.step += 1
        self.state.seen.append(x.shape[0])
        self.recent.append(1)
        self.plain[0].mark = 1
        self.steps["x"] += 1
        self.drop.register_forward_hook(leave)
        self.norm.register_forward_pre_hook(leave)
        self.handle.remove()
        self.conv.log = ["called"]
        self.conv.weight = nn.Parameter(torch.empty(8, 3, 3, 3))
        x = self.drop(self.norm(self.conv(x))) + torch.rand_like(x[:, :1, 1:-1, 1:-1])
        self.norm.eps = 0.5
        if self.fails == "shape":
            return x @ torch.zeros(7, 7)
        if self.fails == "stop":
            raise KeyboardInterrupt
        if self.fails == "other":
            raise LookupError("nothing to do with sizes")
        with torch.no_grad():
            torch.set_grad_enabled(False)
            return x.relu_()


@pytest.mark.parametrize("fails", [None, "shape", "stop", "other"])
@pytest.mark.parametrize("mode", ["train", "eval", "same"])
def test_bad_habits_are_undone(fails, mode):
    """Whatever its own code does to itself during the trace is put back."""
    model = Keeps(fails)
    model.norm.eval()
    before = digest(model)
    try:
        graph = read(model, (2, 3, 8, 8), mode=mode)
        assert (graph.problem is not None) == (fails == "shape")
    except (KeyboardInterrupt, WhyshapeError):
        assert fails in ("stop", "other")
    assert digest(model) == before


@pytest.mark.parametrize("name, size", [("resnet18", 64), ("mobilenet_v3_small", 64), ("shufflenet_v2_x0_5", 64), ("squeezenet1_1", 64)])
def test_real_models_are_untouched(name, size):
    """Real weights in memory, training mode, with a user's hook in place: bit for bit the same; a failing size too."""
    model = torchvision.models.get_model(name, weights=None)
    model.register_forward_hook(lambda m, i, o: None)
    before = digest(model)
    read(model, (2, 3, size, size))
    read(model, (2, 4, size, size))
    verify(model, (2, 3, size, size), mode="eval")
    assert digest(model) == before


def test_two_threads_at_once():
    """Each thread has its own trace; a model that is really running beside them is not followed."""
    models = [torchvision.models.squeezenet1_1().eval() for _ in range(3)]
    before = [digest(m) for m in models]
    shapes, errors = [None, None], []

    def trace(i):
        try:
            for _ in range(3):
                graph = read(models[i], (1 + i, 3, 64, 64))
                shapes[i] = graph.tensors[graph.outputs[0]].shape
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=trace, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    with torch.no_grad():
        out = models[2](torch.zeros(1, 3, 64, 64))
    for thread in threads:
        thread.join()
    assert errors == [] and shapes == [(1, 1000), (2, 1000)]
    assert out.device.type == "cpu" and out.shape == (1, 1000)
    after = [digest(m) for m in models]
    for a, b in zip(after, before):
        a.pop("dice"), b.pop("dice")
    assert after == before


def test_values_decide_the_way():
    """A model that reads numbers is followed on a copy with real ones, and this is said; the user's own stays as it was."""

    class Reads(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            x = self.fc(x)
            return x[:, :2] if x.sum().item() > 1e9 else x

    model = Reads()
    before = digest(model)
    graph = read(model, (3, 4))
    assert graph.tensors[graph.outputs[0]].shape == (3, 4)
    assert "the model was followed on a copy with real numbers" in graph.notes[0]
    assert digest(model) == before


def test_deep_and_self_containing_modules_give_a_message():
    """Nested deeper than Python can call, or holding itself: one sentence, no RecursionError."""
    deep = nn.ReLU()
    for _ in range(5000):
        deep = nn.Sequential(deep)
    with pytest.raises(WhyshapeError, match="nested deeper than Python can call"):
        read(deep, (1, 2))
    ouroboros = nn.Sequential()
    ouroboros.add_module("itself", ouroboros)
    with pytest.raises(WhyshapeError, match="or one holds itself"):
        read(ouroboros, (1, 2))


def test_meta_and_real_weights_give_the_same():
    """No weight is read: a model on the meta device and one in memory have the same graph."""
    real = torchvision.models.squeezenet1_1().eval()
    with torch.device("meta"):
        meta = torchvision.models.squeezenet1_1().eval()
    a, b = read(real, (1, 3, 64, 64)), read(meta, (1, 3, 64, 64))
    assert [n[1:] for n in a.nodes] == [n[1:] for n in b.nodes]
    assert a.tensors == b.tensors


class Resets(nn.Module):
    """Its code changes what is standard for the whole program."""

    def forward(self, x):
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_autocast_enabled("cpu", True)
        np.random.seed(0)
        torch.set_grad_enabled(False)
        return x + torch.zeros(3)


def test_the_program_around_the_model_is_put_back():
    model = Resets()
    before = digest(model)
    assert read(model, (2, 3)).problem is None
    assert digest(model) == before
    assert torch.zeros(1).device.type == "cpu" and torch.zeros(1).dtype == torch.float32


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_pytorch_s_own_layers_leave_themselves_as_they_are(mode):
    """Where only they run nothing is kept to be put back: PyTorch's own samples, run by PyTorch."""
    run = set()
    for info in module_db:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            for sample in info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False, training=mode == "train"):
                model = info.module_cls(*sample.constructor_input.args, **sample.constructor_input.kwargs).float().train(mode == "train")
                if _only_pytorch(list(model.modules())):
                    before = kept(model)
                    model(*sample.forward_input.args, **sample.forward_input.kwargs)
                    assert kept(model) == before, info.module_cls.__name__
                    run.add(info.module_cls.__name__)
    assert {"Conv2d", "BatchNorm2d", "MultiheadAttention", "Linear"} <= run and len(run) > 70
    assert not run & {"LSTM", "TransformerEncoderLayer", "TripletMarginWithDistanceLoss"}  # they keep state, or call what they were given


def kept(model):
    """What each module holds: its attributes by identity, and what its containers hold."""
    return [
        {name: (id(v), [id(i) for i in (v.values() if isinstance(v, dict) else v)] if type(v) in (dict, list, set, OrderedDict) else None)}
        for m in model.modules()
        for name, v in m.__dict__.items()
    ]


class Counts(nn.ReLU):
    """A layer of the user's that counts its calls."""

    def forward(self, x):
        self.calls = getattr(self, "calls", 0) + 1
        return super().forward(x)


def counting(layer):
    def forward(x):
        layer.calls = getattr(layer, "calls", 0) + 1
        return x

    return forward


def own_forward(layer, monkeypatch):
    layer.forward = counting(layer)


def own_hook(layer, monkeypatch):
    layer.register_forward_pre_hook(lambda layer, x: counting(layer)(x))


def own_class(layer, monkeypatch):
    layer.__class__ = Counts


def patched_class(layer, monkeypatch):
    plain = nn.ReLU.forward
    monkeypatch.setattr(nn.ReLU, "forward", lambda layer, x: plain(layer, *counting(layer)((x,))))


@pytest.mark.parametrize("way", [own_forward, own_hook, own_class, patched_class])
def test_code_of_the_user_s_among_pytorch_s_own_layers(way, monkeypatch):
    """One layer of a plain Sequential does something of its own: what it keeps is put back."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten())
    way(model[1], monkeypatch)
    before = kept(model)
    read(model, (1, 1, 8, 8))
    assert kept(model) == before and not hasattr(model[1], "calls")
    model(torch.zeros(1, 1, 8, 8))
    assert model[1].calls == 1  # it would have been noticed
