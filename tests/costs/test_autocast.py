"""Memory under ``torch.autocast``: byte for byte what real runs keep, and the casts that PyTorch itself makes."""

from __future__ import annotations

import warnings

import pytest
import torch
import torch.nn.functional as F
from kept_cases import OPERATORS
from test_kept import Applied, kept_by_torch, torchvision_model, torchvision_size
from torch import nn

from whyshape.analyses.autocast import cast_by
from whyshape.analyses.live import live
from whyshape.analyses.memory import kept, memory
from whyshape.cli import main
from whyshape.errors import WhyshapeError
from whyshape.readers.torch import read


def by_both(model, inputs, mode) -> tuple[tuple[int, set[str]], int]:
    """Bytes kept by the rules, with what nobody knows, and by PyTorch."""
    graph = read(model, input_data=tuple(inputs), mode=mode)
    assert graph.problem is None, graph.problem
    graph = cast_by(graph, "bfloat16")[0]
    rows = kept(graph, live(graph))
    with torch.autocast("cpu", torch.bfloat16):
        real = kept_by_torch(model, inputs)
    return (sum(r.nbytes or 0 for r in rows), {r.node.op for r in rows if r.nbytes is None}), real


def lowered(operator):
    """The operator behind a linear layer, whose result is in half precision."""
    return lambda x, *rest: operator(F.linear(x, torch.eye(x.shape[-1])), *rest)


@pytest.mark.parametrize("low", [False, True], ids=["float32 arrives", "bfloat16 arrives"])
@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.filterwarnings("ignore")
def test_operator(name, low):
    """Each operator, given single and half precision; two that PyTorch refuses to mix are as a model could not run them."""
    if low and name in ("lerp", "bilinear"):
        with torch.autocast("cpu", torch.bfloat16), pytest.raises(RuntimeError, match="dtype"):
            kept_by_torch(Applied(lowered(OPERATORS[name][0]), OPERATORS[name][1]), [torch.rand(s) for s in OPERATORS[name][1]])
        return
    operator, shapes = OPERATORS[name]
    rules, real = by_both(Applied(lowered(operator) if low else operator, shapes), [torch.rand(s) for s in shapes], "same")
    assert rules == (real, set())


def check_network(name):
    torch.manual_seed(0)
    side = torchvision_size(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rules, real = by_both(torchvision_model(name).train(), [torch.randn(2, 3, side, side)], "train")
    assert rules == (real, set())


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b0"])
def test_network_sample(name):
    """Weights cast once, batch norms left wide, noise made in the dtype of what it meets."""
    check_network(name)


NETWORKS = """alexnet vgg11_bn resnext50_32x4d densenet121 squeezenet1_0 googlenet inception_v3 mobilenet_v2
    mobilenet_v3_small shufflenet_v2_x0_5 mnasnet0_5 regnet_y_400mf convnext_tiny vit_b_32 swin_t swin_v2_t maxvit_t"""


@pytest.mark.full
@pytest.mark.parametrize("name", NETWORKS.split())
def test_network(name):
    """Byte for byte."""
    check_network(name)


def test_a_weight_used_twice_is_cast_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x):
            return self.fc(self.fc(self.fc(x)))

    rules, real = by_both(Twice(), [torch.randn(3, 8)], "same")
    assert rules == (real, set()) and real == 2 * (3 * 8 + 8 * 8 + 2 * 3 * 8)


def test_the_answer_of_memory():
    """Weights stay as they are; what is kept is in half precision."""
    graph = read(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)), (3, 8))
    plain, cast = memory(graph), memory(graph, autocast="bfloat16")
    assert (cast.weights, cast.gradients, cast.optimizer) == (plain.weights, plain.gradients, plain.optimizer)
    assert cast.activations.value == 2 * (3 * 8 + 3 * 16) + 2 * 16 * 4  # and the second layer's weight, cast


def test_at_other_sizes_and_with_a_checkpoint():
    net = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 8)), nn.Linear(8, 8))
    graph = read(net, (3, 8), letters=[("N", "")])
    again = read(net, (10, 8))
    for checkpoint in ((), ("1",)):
        assert memory(graph, autocast="bfloat16", checkpoint=checkpoint, N=10) [:-1] == memory(
            again, autocast="bfloat16", checkpoint=checkpoint)[:-1]  # fmt: skip
    assert memory(again, autocast="bfloat16", checkpoint=("1",)).activations.value < memory(again, autocast="bfloat16").activations.value


POINTWISE = """exp expm1 log log2 log10 log1p reciprocal rsqrt sum prod tan acos asin cosh sinh erfinv relu sigmoid tanh sqrt abs mean"""
CAST_BY_CUDA = {
    "conv2d": (F.conv2d, [(1, 2, 4, 4), (2, 2, 3, 3)]), "linear": (F.linear, [(2, 3), (4, 3)]), "matmul": (torch.matmul, [(2, 3), (3, 4)]),
    "bmm": (torch.bmm, [(2, 2, 3), (2, 3, 4)]), "baddbmm": (torch.baddbmm, [(2, 2, 4), (2, 2, 3), (2, 3, 4)]), "mv": (torch.mv, [(2, 3), (3,)]),
    "prelu": (F.prelu, [(2, 3), (1,)]), "softmax": (lambda x: F.softmax(x, -1), [(2, 3)]), "log_softmax": (lambda x: F.log_softmax(x, -1), [(2, 3)]),
    "layer_norm": (lambda x: F.layer_norm(x, (3,)), [(2, 3)]), "group_norm": (lambda x: F.group_norm(x, 1), [(2, 3)]),
    **{n: (getattr(torch, n), [(2, 3)]) for n in POINTWISE.split()},
    "cumsum": (lambda x: x.cumsum(1), [(2, 3)]), "norm": (torch.norm, [(2, 3)]), "softplus": (F.softplus, [(2, 3)]),
    "mse_loss": (F.mse_loss, [(2, 3), (2, 3)]), "l1_loss": (F.l1_loss, [(2, 3), (2, 3)]), "gelu": (F.gelu, [(2, 3)]),
    "smooth_l1_loss": (F.smooth_l1_loss, [(2, 3), (2, 3)]), "pow": (lambda x: x**2, [(2, 3)]), "max_pool2d": (lambda x: F.max_pool2d(x, 2), [(1, 2, 4, 4)]),
    "cat": (lambda *x: torch.cat(x), [(2, 3), (2, 3)]), "stack": (lambda *x: torch.stack(x), [(2, 3), (2, 3)]),
    "addcmul": (torch.addcmul, [(2, 3)] * 3), "atan2": (torch.atan2, [(2, 3)] * 2), "dot": (torch.dot, [(3,), (3,)]),
    "bilinear": (F.bilinear, [(2, 3), (2, 4), (5, 3, 4)]), "avg_pool2d": (lambda x: F.avg_pool2d(x, 2), [(1, 2, 4, 4)]),
}  # fmt: skip


@pytest.fixture
def cuda_autocast():
    """CUDA's casts without a GPU: tensors that say they are there, and hold nothing."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    before = torch.is_autocast_enabled("cuda"), torch.get_autocast_dtype("cuda")
    torch.set_autocast_enabled("cuda", True)
    torch.set_autocast_dtype("cuda", torch.float16)
    try:
        with FakeTensorMode() as mode:
            yield mode
    finally:
        torch.set_autocast_enabled("cuda", before[0])
        torch.set_autocast_dtype("cuda", before[1])
        torch.clear_autocast_cache()


@pytest.mark.parametrize("arriving", ["float32", "float16"])
@pytest.mark.parametrize("name", CAST_BY_CUDA)
def test_casts_of_cuda(name, arriving, cuda_autocast):
    """The dtype of each result, all in one precision."""
    operator, shapes = CAST_BY_CUDA[name]
    real = operator(*[torch.empty(s, device="cuda", dtype=getattr(torch, arriving)) for s in shapes]).dtype

    class Apply(nn.Module):
        def forward(self, *x):
            return operator(*x)

    torch.set_autocast_enabled("cuda", False)
    cast = cast_by(read(Apply(), shapes, dtypes=[arriving] * len(shapes)), "cuda:float16")[0]
    assert cast.tensors[cast.outputs[0]].dtype == str(real).rpartition(".")[2]


@pytest.mark.parametrize("setting", ["float32", "half", "mps:float16", "", "cuda:"])
def test_settings_nobody_knows(setting):
    with pytest.raises(WhyshapeError) as refused:
        memory(read(nn.Linear(2, 2), (1, 2)), autocast=setting)
    assert str(refused.value) == f"autocast is bfloat16, float16, or with the device as cuda:float16; {setting!r} was asked for"


def test_the_commands_take_it(capsys):
    assert main(["costs", "--autocast", "bfloat16", "--json"]) == 0
    assert main(["fit", "--memory", "1GiB", "--autocast", "bfloat16"]) == 0
    assert main(["costs", "--autocast", "int4"]) == 2
    assert "'int4' was asked for" in capsys.readouterr().err
