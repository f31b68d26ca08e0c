"""Is this file that model? The answer of `compare`, held against exports of both of PyTorch's exporters, changed and unchanged."""

import contextlib
import io
import json
import warnings
from importlib.resources import files
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from whyshape.analyses.compare import compare  # noqa: E402
from whyshape.cli import main  # noqa: E402
from whyshape.errors import WhyshapeError  # noqa: E402
from whyshape.readers.torch import read as read_torch  # noqa: E402

torch.set_num_threads(1)


def drawn(model, seed=0):
    """Norms that have seen something, biases that are not zero: what an exporter merges shows."""
    torch.manual_seed(seed)
    for module in model.modules():
        for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            if tensor.is_floating_point():
                with torch.no_grad():
                    tensor.uniform_(0.5, 1.5) if name == "running_var" else tensor.normal_(0, 0.3)
    return model.eval()


def exported(model, shape, path, dynamo=False, **words) -> str:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # the exporters speak about themselves
        words = {"external_data": False, **words} if dynamo else {"opset_version": 17, **words}
        torch.onnx.export(model, (torch.zeros(shape),), path, dynamo=dynamo, **words)
    return str(path)


def net(stride=1, bias=True, act=nn.SiLU, eps=1e-5):
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=stride, padding=1, bias=bias), nn.BatchNorm2d(8, eps=eps), act(), nn.Dropout(),
        nn.Conv2d(8, 8, 3, padding=1, bias=bias), nn.BatchNorm2d(8), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4),
    )  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return exported(drawn(net()), (1, 3, 12, 12), tmp_path_factory.mktemp("same") / "net.onnx")


def test_the_same_network_weights_included(file):
    """Two norms folded into convolutions that had a bias already: only the weights' values can tell, and they do."""
    found = compare(file, drawn(net()), (1, 3, 12, 12), weights="inline")
    assert found.equal and not found.weights.unread and found.weights.folded == 2 and found.weights.largest < 1e-5
    assert found.verdict.startswith("The same network up to folding: ") and "the weights of 3 layers are equal, 2 of them" in found.verdict


def test_a_file_may_be_a_path(file):
    """A `pathlib.Path` is a file name like any other, also where weights are read."""
    assert compare(Path(file), drawn(net()), (1, 3, 12, 12), weights="inline").equal


def test_without_the_weights_nothing_is_assumed(file):
    """A bias stood there already: that norms were merged is not known from sizes."""
    found = compare(file, drawn(net()), (1, 3, 12, 12))
    assert not found.equal and [c.after.op for c in found.changes if c.kind == "added"].count("batch_norm") == 2


def change_a_weight(model):
    with torch.no_grad():
        model[4].weight[5, 2, 1, 1] += 0.5
    return model


@pytest.mark.parametrize("other, where, what", [
    (lambda: change_a_weight(drawn(net())), "4", "weights"),
    (lambda: drawn(net(), seed=1), "0", "weights"),
    (lambda: drawn(net(stride=2)), "0", "output"),
    (lambda: drawn(net(eps=0.5)), "0", "weights"),
    (lambda: drawn(net(act=nn.GELU)), "2", "removed"),
    (lambda: drawn(net(act=nn.Sigmoid)), "2", "removed"),
], ids=["a weight", "all weights", "stride", "epsilon", "gelu", "sigmoid"])  # fmt: skip
def test_another_network_is_told_and_where(file, other, where, what):
    """One weight, a stride, an epsilon, another activation: not the same, and the first difference stands at its layer."""
    found = compare(file, other(), (1, 3, 12, 12), weights="inline")
    assert not found.equal and found.verdict.startswith("Not the same network: " if found.decided else "Not decided without --run: ")
    assert found.decided is (
        what != "removed"
    )  # another activation is found by a run; sizes and weights cannot tell it from another spelling
    first = next(c for c in found.changes if c.kind in ("changed", "added", "removed"))
    assert (first.before or first.after).path == where and what in (*first.what, first.kind)


def test_layers_that_somebody_wrote_are_what_they_are():
    """No exporter had a hand in it: a maximum is no average. A shape written otherwise proves nothing."""
    heads = [nn.Sequential(nn.Conv2d(1, 4, 3), last) for last in (nn.MaxPool2d(2), nn.AvgPool2d(2), nn.Flatten())]
    maximum, average, flat = heads
    found = compare(maximum, average, (1, 1, 8, 8))
    assert found.decided and found.verdict.startswith("Not the same network: ")
    assert compare("Conv2d(1, 4, 3) > ReLU", "Conv2d(1, 4, 3) > GELU", (1, 1, 8, 8)).decided
    assert compare(nn.Sequential(flat, nn.Unflatten(1, (4, 36))), nn.Sequential(heads[0][0], nn.Flatten(2)), (1, 1, 8, 8)).equal


def test_a_slope_that_nobody_sees_in_the_sizes():
    """LeakyReLU(0.1) and LeakyReLU(0.2) have the same sizes and costs."""
    a, b = (nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(slope)) for slope in (0.1, 0.2))
    found = compare(a, b, (1, 2))
    assert [(c.kind, c.what) for c in found.changes] == [("changed", ("negative_slope",))]


def test_weights_in_another_file_are_opened_only_on_request(tmp_path):
    """Left where they are: said to be unread. With "all" they are read; outside the file's folder never."""
    model = drawn(nn.Sequential(nn.Conv2d(3, 64, 5), nn.ReLU(), nn.Conv2d(64, 64, 5)))
    inside = onnx.load(exported(model, (1, 3, 12, 12), tmp_path / "in.onnx"))
    onnx.save_model(inside, tmp_path / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=256)
    path = str(tmp_path / "net.onnx")
    left = compare(path, model, (1, 3, 12, 12), weights="inline")
    assert left.weights.unread == ("0", "2") and "those of 2 were not read, first 0" in left.verdict
    assert compare(path, model, (1, 3, 12, 12), weights="all").weights.equal == 2
    (tmp_path / "deeper").mkdir()
    moved = onnx.load(path, load_external_data=False)
    for held in moved.graph.initializer:
        for entry in held.external_data:
            if entry.key == "location":
                entry.value = "../net.data"
    onnx.save(moved, tmp_path / "deeper" / "net.onnx")
    with pytest.raises(WhyshapeError, match="outside the file's own folder, or nowhere: it is not opened"):
        compare(str(tmp_path / "deeper" / "net.onnx"), model, (1, 3, 12, 12), weights="all")


def test_run_on_the_same_numbers(file):
    """onnxruntime and PyTorch on the same input: the largest difference decides."""
    pytest.importorskip("onnxruntime")
    same, other = (compare(file, m, (1, 3, 12, 12), run=True) for m in (drawn(net()), change_a_weight(drawn(net()))))
    assert same.equal and same.run.difference < 1e-5 and same.verdict.startswith("The same network: run on the same random numbers")
    assert not other.equal and other.run.difference > 1e-3 * other.run.largest


def test_the_command_line(file, tmp_path, capsys):
    """Exit code 0 for the same, 1 for another; JSON as its schema says."""
    jsonschema = pytest.importorskip("jsonschema")
    source = (
        "import torch\nfrom torch import nn\nheld = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())\nheld.load_state_dict(torch.load({!r}))\n"
    )
    model = drawn(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()))
    torch.save(model.state_dict(), tmp_path / "held.pt")
    (tmp_path / "net.py").write_text(source.format(str(tmp_path / "held.pt")))
    path = exported(model, (1, 3, 12, 12), tmp_path / "net.onnx")
    words = ["compare", path, f"{tmp_path / 'net.py'}:held", "--input", "1,3,12,12"]
    assert main([*words, "--weights"]) == 0
    assert "weights of 1 layers are equal (largest difference 0)" in " ".join(capsys.readouterr().out.split())
    assert main([*words, "--weights", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    jsonschema.validate(data, json.loads(files("whyshape").joinpath("schemas/comparison.v1.json").read_text("utf-8")))
    assert data["weights"] == {"equal": 1, "folded": 0, "differ": [], "unread": [], "largest_difference": 0.0}
    assert main(["compare", path, file, "--input", "1,3,12,12"]) == 1


ZOO = [
    ("resnet18", 64), ("mobilenet_v2", 64), ("squeezenet1_1", 64), ("densenet121", 64), ("efficientnet_b0", 64), ("shufflenet_v2_x0_5", 64),
    ("mnasnet0_5", 64), ("regnet_y_400mf", 64), ("convnext_tiny", 64), ("mobilenet_v3_small", 64), ("regnet_x_400mf", 64),
    ("resnext50_32x4d", 64),
]  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize("dynamo", [False, True], ids=["script", "dynamo"])
@pytest.mark.parametrize("name, side", ZOO, ids=[name for name, _ in ZOO])
def test_exports_of_torchvision(name, side, dynamo, tmp_path):
    """Each is the same network, all its weights read and equal; with one weight changed it is not, and the layer is named."""
    model = drawn(getattr(pytest.importorskip("torchvision").models, name)())
    path = exported(model, (1, 3, side, side), tmp_path / "net.onnx", dynamo)
    found = compare(path, model, (1, 3, side, side), weights="inline")
    assert found.equal and not found.weights.unread, found.verdict
    at, last = [(n, m) for n, m in model.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))][-1]
    with torch.no_grad():
        last.weight.view(-1)[7] += 1.0
    other = compare(path, model, (1, 3, side, side), weights="inline")
    assert not other.equal and [c.place for c in other.weights.differ] == [at]


class Block(nn.Module):
    """A block of a vision transformer as timm writes it: one matrix for queries, keys and values."""

    def __init__(self):
        super().__init__()
        self.norm, self.qkv, self.project = nn.LayerNorm(16), nn.Linear(16, 48), nn.Linear(16, 16)

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, n, 3, 4, c // 4).permute(2, 0, 3, 1, 4).unbind(0)
        return x + self.project(nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, c))


def test_attention_written_out_is_decided_by_a_run(tmp_path):
    """An exporter writes attention as many calls: run on the same numbers, the same network is told from one with a changed weight."""
    pytest.importorskip("onnxruntime")
    model = drawn(nn.Sequential(Block(), Block()))
    path = exported(model, (1, 5, 16), tmp_path / "vit.onnx")
    same = compare(path, model, (1, 5, 16), run=True)
    assert same.equal and same.run.largest > 1e-2, same.verdict
    with torch.no_grad():
        model[1].qkv.weight[40] += 0.5  # of the values
    assert not compare(path, model, (1, 5, 16), run=True).equal


class Heads(nn.Module):
    """PyTorch's own attention by heads between two norms, a table before it, and a head that nobody asks."""

    def __init__(self, masked=False):
        super().__init__()
        self.table, self.attend, self.unread = nn.Embedding(11, 16), nn.MultiheadAttention(16, 2, batch_first=True), nn.Linear(16, 3)
        self.masked = masked

    def forward(self, x):
        x = self.table(x)
        hidden = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1) if self.masked else None
        made = self.attend(x, x, x, need_weights=False, attn_mask=hidden)[0]
        self.unread(made)
        return x + made


@pytest.mark.parametrize("make, sizes", [(lambda: Block(), (2, 5, 16)), (lambda: Heads(), (2, 5))], ids=["fused", "heads"])
def test_attention_written_out_is_told_without_a_run(make, sizes, tmp_path):
    """Matrix product, softmax, matrix product: the same as the one call, weights included; with one weight changed it is not."""
    model, rows = drawn(make()), len(sizes) == 2
    path = tmp_path / "net.onnx"
    given = torch.zeros(sizes, dtype=torch.int64 if rows else torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter speaks about itself
        torch.onnx.export(model, (given,), path, dynamo=False, opset_version=17, dynamic_axes={})
    graph = read_torch(model, input_data=(given,))
    same = compare(str(path), graph, sizes, weights="inline", models=(str(path), model))
    assert same.equal and not same.weights.unread and "written as other calls" in same.verdict, same.verdict
    with torch.no_grad():
        (model.attend.in_proj_weight if rows else model.qkv.weight)[40, 3] += 0.5
    assert not compare(str(path), graph, sizes, weights="inline", models=(str(path), model)).equal
    if rows:
        assert not compare(str(path), read_torch(drawn(Heads(masked=True)), input_data=(given,)), sizes).equal


def test_equal_weights_kept_once_and_a_bias_of_zeros(tmp_path):
    """An exporter keeps equal weights once under one of their names, and may leave out a bias that is zero."""
    model = drawn(nn.Sequential(nn.Linear(4, 4), nn.Conv1d(3, 3, 1), nn.Conv1d(3, 3, 1)))
    model[2].load_state_dict(model[1].state_dict())
    path = exported(model, (2, 3, 4), tmp_path / "net.onnx")
    assert "Identity" in {node.op_type for node in onnx.load(path).graph.node}
    found = compare(path, model, (2, 3, 4), weights="inline")
    assert found.equal and not found.weights.unread and found.weights.equal >= 3, found.verdict
    bare = nn.Sequential(nn.Conv2d(3, 8, 3))
    without = exported(drawn(nn.Sequential(nn.Conv2d(3, 8, 3, bias=False))), (1, 3, 8, 8), tmp_path / "bare.onnx")
    bare[0].weight.data = drawn(nn.Sequential(nn.Conv2d(3, 8, 3, bias=False)))[0].weight.data
    for value, equal in ((0.0, True), (0.5, False)):
        nn.init.constant_(bare[0].bias, value)
        assert compare(without, bare, (1, 3, 8, 8), weights="inline").equal is equal
    assert not compare(without, bare, (1, 3, 8, 8)).equal  # without the weights nothing is assumed


@pytest.mark.full
@pytest.mark.parametrize("name", ["resnet18d", "repvgg_a0", "seresnet18", "ghostnet_100", "mixnet_s", "dla34"])
def test_exports_of_timm(name, tmp_path):
    """Written in another house's style: the same network, every weight read; with one weight changed it is not, and the layer is named."""
    model = drawn(pytest.importorskip("timm").create_model(name))
    path = exported(model, (1, 3, 64, 64), tmp_path / "net.onnx")
    found = compare(path, model, (1, 3, 64, 64), weights="inline")
    assert found.equal and not found.weights.unread, found.verdict
    at, last = [(n, m) for n, m in model.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))][-1]
    with torch.no_grad():
        last.weight.view(-1)[7] += 1.0
    other = compare(path, model, (1, 3, 64, 64), weights="inline")
    assert not other.equal and [c.place for c in other.weights.differ] == [at]


@pytest.mark.parametrize("dynamo", [False, True], ids=["script", "dynamo"])
@pytest.mark.parametrize("shape", [(2, 6), (2, 5, 6)], ids=["Gemm", "MatMul"])
def test_a_square_weight_turned_is_another_weight(shape, dynamo, tmp_path):
    """Of a square matrix only the wiring tells which axis is which: the untouched one is equal, the transposed one is not."""
    model = drawn(nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6)))
    path = exported(model, shape, tmp_path / "net.onnx", dynamo)
    assert compare(path, model, shape, weights="inline").equal
    with torch.no_grad():
        model[2].weight.copy_(model[2].weight.T.clone())
    found = compare(path, model, shape, weights="inline")
    assert not found.equal and found.verdict.startswith("Not the same network: ") and len(found.weights.differ) == 1, found.verdict


class Chained(nn.Module):
    """Numbers handed through calls that a file writes otherwise: a weight that is looked at under another shape."""

    def __init__(self):
        super().__init__()
        self.scale, self.conv = nn.Parameter(torch.ones(4)), nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return self.conv(x) * self.scale.reshape(1, -1, 1, 1)


@pytest.mark.parametrize("dynamo", [False, True], ids=["script", "dynamo"])
def test_what_is_only_written_otherwise_is_never_called_another_network(dynamo, tmp_path):
    """A scale whose reshape the exporter folded away: undecided at worst, and a run says that it is the same."""
    pytest.importorskip("onnxruntime")
    model = drawn(Chained())
    path = exported(model, (1, 4, 5, 5), tmp_path / "net.onnx", dynamo)
    for words in ({}, {"weights": "inline"}):
        assert not compare(path, model, (1, 4, 5, 5), **words).verdict.startswith("Not the same network")
    assert compare(path, model, (1, 4, 5, 5), run=True).equal
