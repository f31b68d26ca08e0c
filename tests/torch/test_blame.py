"""Nobody but a rule says that a model does not fit: what PyTorch runs is explained, as far as it can be followed."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

from whyshape import explain
from whyshape.errors import ModelError


class Runs(nn.Module):
    """A model of one line."""

    def __init__(self, line, **parts):
        super().__init__()
        self.line = line
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *inputs):
        return self.line(self, *inputs)


class Sign(torch.autograd.Function):
    """A custom autograd function."""

    @staticmethod
    def forward(ctx, x):
        return x.sign()

    @staticmethod
    def backward(ctx, grad):
        return grad


def scripted(layer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(layer)


def traced(layer, *inputs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.trace(layer, inputs)


def quantised():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(
            nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2)), {nn.Linear}, dtype=torch.qint8
        )


def energy(m, x):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return torch.autograd.grad(m.fc(x).sum(), x, create_graph=True)[0]


def packed(m, x):
    hold = nn.utils.rnn.pack_padded_sequence(x, [5, 3], batch_first=True)
    return nn.utils.rnn.pad_packed_sequence(m.rnn(hold)[0], batch_first=True)[0]


def checked(m, x):
    torch._check(x.shape[0] > 1)
    wide = x.shape[1] > 4
    assert isinstance(wide, bool)
    return m.fc(x) * wide + [0, 1][wide]


# what it is -> (model, input, operators that are measured)
MODELS = {
    "a scripted part": (lambda: Runs(lambda m, x: m.s(m.c(x)).flatten(1), c=nn.Conv2d(3, 8, 3), s=scripted(nn.Conv2d(8, 4, 3))), (2, 3, 9, 9), ["RecursiveScriptModule"]),
    "a traced part": (lambda: Runs(lambda m, x: m.t(x).mean((2, 3)), t=traced(nn.Conv2d(3, 4, 3), torch.rand(1, 3, 8, 8))), (1, 3, 8, 8), ["RecursiveScriptModule"]),
    "a part compiled": (lambda: Runs(lambda m, x: m.f(m.c(x).mean((2, 3))), c=torch.compile(nn.Conv2d(3, 8, 3)), f=nn.Linear(8, 2)), (1, 3, 8, 8), []),
    "a custom autograd function": (lambda: Runs(lambda m, x: Sign.apply(m.fc(x)) @ torch.ones(8, 3), fc=nn.Linear(8, 8)), (2, 8), []),
    "a branch on values": (lambda: Runs(lambda m, x: m.fc(x * 2 if x.sum() > 0 else x), fc=nn.Linear(8, 4)), (2, 8), []),
    "torch.cond": (lambda: Runs(lambda m, x: torch.cond(x.sum() > 0, lambda x: m.fc(x), lambda x: m.fc(x * 2), (x,)), fc=nn.Linear(8, 8)), (2, 8), ["Runs"]),
    "vmap": (lambda: Runs(lambda m, x: torch.vmap(m.fc)(x).sum(1), fc=nn.Linear(8, 4)), (3, 5, 8), ["Runs"]),
    "vmap over weights": (lambda: Runs(lambda m, x: torch.vmap(lambda w: x @ w)(m.fc.weight.view(4, 8, 1)), fc=nn.Linear(8, 4)), (3, 8), ["Runs"]),
    "vmap in a part": (lambda: Runs(lambda m, x: m.c(x).relu(), c=Runs(lambda m, x: torch.vmap(m.fc)(x), fc=nn.Linear(8, 4))), (3, 5, 8), ["Runs"]),
    "jacobian": (lambda: Runs(lambda m, x: torch.func.jacrev(m.fc)(x), fc=nn.Linear(8, 4)), (8,), ["Runs"]),
    "a tensor of its own": (lambda: Runs(lambda m, x: m.fc(x) + torch.arange(4) + torch.zeros(3, 1), fc=nn.Linear(8, 4)), (3, 8), []),
    "functional_call": (lambda: Runs(lambda m, x: torch.func.functional_call(m.fc, {k: v * 2 for k, v in m.fc.named_parameters()}, (x,)), fc=nn.Linear(8, 4)), (3, 8), []),
    "gradients of its own": (lambda: Runs(energy, fc=nn.Linear(8, 1)), (3, 8), ["grad"]),
    "quantised layers": (quantised, (3, 8), ["linear_dynamic", "linear_dynamic"]),
    "lengths in a list": (lambda: Runs(packed, rnn=nn.LSTM(8, 4, batch_first=True, bidirectional=True)), (2, 5, 8), ["_pack_padded_sequence", "zeros", "zeros", "_pad_packed_sequence"]),
    "sparse": (lambda: Runs(lambda m, x: torch.sparse.mm(torch.eye(5).to_sparse(), m.fc(x)), fc=nn.Linear(8, 8)), (5, 8), ["to_sparse", "_sparse_mm"]),
    "comparisons as bools": (lambda: Runs(checked, fc=nn.Linear(8, 4)), (3, 8), []),
    "numpy inside": (lambda: Runs(lambda m, x: torch.tensor(m.fc(x).detach().numpy() * 2), fc=nn.Linear(8, 4)), (3, 8), []),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", MODELS)
def test_what_pytorch_runs_is_explained(name):
    """The result's shape is PyTorch's own, and what no rule answered is named."""
    make, shape, measured = MODELS[name]
    torch.manual_seed(0)
    model = make()
    wanted = list(model(torch.rand(shape)).shape)
    answer = explain(model, shape)
    assert answer.problem is None
    told = answer.to_dict()
    assert [o["shape"] for o in told["outputs"]] == [wanted]
    assert [layer["op"] for layer in told["layers"] if layer["by"] == "measured"] == measured
    assert all(layer["file"] in ("", __file__) or "torch" in layer["file"] for layer in told["layers"])


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", MODELS)
def test_pytorch_agrees(name):
    """Verified, no difference is claimed where there is none, and a comparison of nothing is not called agreement."""
    make, shape, measured = MODELS[name]
    torch.manual_seed(0)
    answer = explain(make(), shape, verify=True)
    assert answer.verified.differences == ()
    assert answer.verified_sentence().startswith("PyTorch agrees" if answer.verified.checked else "Nothing was compared with PyTorch")
    assert answer.verified.checked or measured


def test_samples_of_a_transform_are_not_the_whole():
    """Inside `vmap` one sample is seen: its sizes and multiply-adds are not told as those of all, and its weights are not called unused."""
    model = Runs(lambda m, x: torch.vmap(lambda w: x @ w)(m.w), w=nn.Parameter(torch.rand(5, 8, 4)))
    answer = explain(model, (2, 8))
    assert answer.chain == "2x8 -> 5x2x4" and answer.hazards == ()
    assert answer.to_dict()["totals"]["macs"]["value"] is None


def test_what_pytorch_refuses_inside_a_transform_is_told_in_its_words():
    """The line is the one inside the function that was given to `vmap`."""
    model = Runs(lambda m, x: torch.vmap(lambda w: x @ w)(m.w), w=nn.Parameter(torch.rand(5, 8, 4)))
    with pytest.raises(RuntimeError) as raised:
        model(torch.rand(2, 7))
    problem = explain(model, (2, 7)).problem
    assert problem.sentence.rstrip(".") in str(raised.value) and "[5, 8]" in problem.sentence
    assert problem.file == __file__ and problem.line


def test_what_pytorch_refuses_is_a_problem():
    """The same ways of writing, where they do not fit: PyTorch refuses, and so do we."""
    for model, shape in [
        (Runs(lambda m, x: torch.autograd.grad(m.fc(x).sum(), x)[0], fc=nn.Linear(8, 1)), (3, 8)),  # x wants no gradient
        (Runs(lambda m, x: m.s(x), s=scripted(nn.Conv2d(8, 4, 3))), (2, 3, 9, 9)),
        (nn.Sequential(nn.BatchNorm2d(4)), (1, 4)),
    ]:
        with pytest.raises((RuntimeError, ValueError)):
            model(torch.rand(shape))
        try:
            assert explain(model, shape).problem is not None
        except ModelError as error:
            assert "\n" not in str(error)


def test_nobodys_line_is_no_line_of_ours():
    """A layer of PyTorch's called by us stands in no file of the user's."""
    told = explain(nn.Sequential(nn.Linear(4, 2)), (1, 4)).to_dict()
    assert (told["layers"][0]["file"], told["layers"][0]["line"]) == ("", 0)
    where = explain(nn.BatchNorm2d(4), (1, 4)).to_dict()["problem"]["where"]
    assert (where["file"], where["line"]) == ("", 0)


@pytest.mark.parametrize("given", [{"input_size": (2, 8)}, {"input_data": torch.rand(2, 8)}, {"input_data": [torch.rand(2, 8)]}])
def test_the_input_stays_the_input(given):
    """A model that reads numbers is followed on a copy; what goes in is still its input, by name."""
    model = Runs(lambda m, x: m.fc(x) if float(x.sum()) > -1e9 else x, fc=nn.Linear(8, 3))
    graph = explain(model, **given).graph
    (node,) = [n for n in graph.nodes if n.op == "linear"]
    assert node.inputs[0] in graph.inputs
    assert [t.kind for t in graph.tensors].count("constant") == 0


class TakesADict(nn.Module):
    def forward(self, batch):
        return batch["x"]


def test_the_line_named_is_the_models():
    """Not the line of ours that made the call."""
    with pytest.raises(ModelError, match=r"test_blame.py, line \d+\)$"):
        explain(TakesADict(), (2, 3))
