"""Quantised files and those that onnxruntime fused: our shapes are its shapes, and what is not known is said, never refused."""

import contextlib
import io
import logging
import warnings

import pytest

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
runtime = pytest.importorskip("onnxruntime")
quantization = pytest.importorskip("onnxruntime.quantization")

from torch import nn  # noqa: E402

from whyshape.readers.onnx import read  # noqa: E402

torch.set_num_threads(1)
SHAPE = (1, 3, 16, 16)


class Samples(quantization.CalibrationDataReader):
    def __init__(self, name):
        self.left = iter([{name: np.random.default_rng(i).standard_normal(SHAPE).astype("float32")} for i in range(2)])

    def get_next(self):
        return next(self.left, None)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """One network in five files: as exported, quantised on the way, in two static forms, and fused."""
    here = tmp_path_factory.mktemp("quantised")
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.GELU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4),
    ).eval()  # fmt: skip
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # exporter and quantiser speak about themselves
        torch.onnx.export(net, (torch.zeros(SHAPE),), here / "net.onnx", dynamo=False, opset_version=17, input_names=["x"])
        quantization.quantize_dynamic(here / "net.onnx", here / "dynamic.onnx")
        for form in quantization.QuantFormat:
            quantization.quantize_static(here / "net.onnx", here / f"{form.name}.onnx", Samples("x"), quant_format=form)
        for name, of, level in [("fused", "net", "EXTENDED"), ("blocked", "net", "ALL"), ("last", "QOperator", "ALL")]:
            options = session(getattr(runtime.GraphOptimizationLevel, f"ORT_ENABLE_{level}"))
            options.optimized_model_filepath = str(here / f"{name}.onnx")
            runtime.InferenceSession(str(here / f"{of}.onnx"), options)
    logging.disable(logging.NOTSET)
    return here


def session(level=runtime.GraphOptimizationLevel.ORT_DISABLE_ALL):
    options = runtime.SessionOptions()
    options.log_severity_level, options.graph_optimization_level = 4, level
    return options


@pytest.mark.parametrize("name, explained", [
    ("net", True), ("dynamic", True), ("QDQ", True), ("QOperator", True), ("fused", True), ("blocked", False), ("last", False),
])  # fmt: skip
def test_shapes_are_those_that_come_out(place, name, explained):
    """uint8 times int8 is no mismatch; blocked layouts of onnxruntime's own are said to be unknown."""
    path = str(place / f"{name}.onnx")
    graph = read(path, SHAPE)
    (made,) = runtime.InferenceSession(path, session()).run(None, {"x": np.zeros(SHAPE, "float32")})
    assert graph.problem is None and [graph.tensors[i].shape for i in graph.outputs] == [made.shape]
    assert (not graph.notes and all(n.by == "rule" for n in graph.nodes)) == explained
