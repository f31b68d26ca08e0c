"""Exported models: what we say a file takes and gives, onnxruntime takes and gives."""

import io
import warnings

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
runtime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from torch import nn  # noqa: E402

from whyshape.lab.network import ThreadNet  # noqa: E402
from whyshape.readers.onnx import read  # noqa: E402
from whyshape.readers.torch import read as read_torch  # noqa: E402

torch.set_num_threads(1)
SIZES = [(1, 64, 64), (2, 64, 96), (1, 33, 65), (3, 32, 40), (1, 7, 64), (2, 1, 1)]
# Of those that the exporter can write with free sizes: it has no adaptive pooling to anything but 1x1.
NAMES = [
    "resnet18",
    "resnet34",
    "resnet50",
    "resnext50_32x4d",
    "wide_resnet50_2",
    "densenet121",
    "squeezenet1_0",
    "squeezenet1_1",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "mnasnet0_5",
    "mnasnet1_0",
    "regnet_y_400mf",
    "regnet_x_400mf",
    "convnext_tiny",
    "googlenet",
]


def exported(model, channels, side) -> bytes:
    """The file PyTorch's exporter writes, batch, height and width free."""
    held = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter speaks about itself
        torch.onnx.export(model.eval(), torch.zeros(1, channels, side, side), held, dynamo=False, opset_version=17, input_names=["x"],
                          dynamic_axes={"x": {0: "N", 2: "H", 3: "W"}})  # fmt: skip
    return held.getvalue()


def agree(content, channels, sizes, refusals=True):
    """For every size: both refuse, or both give the same shape. ``refusals``: sizes we refuse are tried there too."""
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(content, options)
    ran = 0
    for n, h, w in sizes:
        graph = read(content, (n, channels, h, w))
        if graph.problem is not None and not refusals:
            continue
        try:
            made = session.run(None, {"x": np.zeros((n, channels, h, w), "float32")})
        except Exception:  # whatever it raises: it refuses
            made = None
        ours = None if graph.problem else [graph.tensors[i].shape for i in graph.outputs]
        assert ours == (None if made is None else [m.shape for m in made]), (n, h, w, graph.problem)
        ran += made is not None
    assert ran >= 3
    free = read(content)
    assert all(node.by == "rule" for node in free.nodes) and free.tensors[free.inputs[0]].axes == ("N", "", "H", "W")


def test_the_threads_network():
    """It takes exactly 28..31 square, and the rectangles that hold as many numbers; onnxruntime agrees at every size tried."""
    sizes = [
        (b, h, w) for b in (1, 3) for h, w in [(27, 28), (28, 28), (31, 29), (32, 32), (20, 44), (23, 47), (24, 44), (16, 76), (12, 12)]
    ]
    agree(exported(ThreadNet(), 1, 28), 1, sizes)


def test_a_file_and_its_model_have_the_same_layers_and_parameters():
    """The same convolutions, the same sizes, the same count of weights; the file has its batch norms folded in."""
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 8 * 8, 5))
    a, b = read(exported(model, 3, 16), (1, 3, 16, 16)), read_torch(model, (1, 3, 16, 16))
    assert [(n.op, n.path, a.tensors[n.outputs[0]].shape) for n in a.nodes] == [
        (n.op, n.path, b.tensors[n.outputs[0]].shape) for n in b.nodes
    ]
    assert [(t.name, t.shape) for t in a.parameters()] == [(t.name, t.shape) for t in b.parameters()]


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
def test_exported_networks(name):
    """20 of torchvision's: every size we accept runs there and gives our shapes. (On one too small onnxruntime itself may die.)"""
    words = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    model = getattr(pytest.importorskip("torchvision").models, name)(**words)
    agree(exported(model, 3, 64), 3, SIZES, refusals=False)
