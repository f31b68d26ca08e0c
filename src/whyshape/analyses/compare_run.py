"""Two networks run on the same random numbers: what comes out of both, and how far apart it is."""

from __future__ import annotations

from typing import Any, NamedTuple

from whyshape.errors import WhyshapeError
from whyshape.graph import Graph

CLOSE = 1e-4  # of the largest value: two programs for the same float32 network differ by rounding


class Run(NamedTuple):
    """The largest difference between both results, and the largest value among them."""

    difference: float
    largest: float

    @property
    def equal(self) -> bool:
        return self.difference <= CLOSE * max(self.largest, 1e-6)


def ran_both(models: tuple[Any, Any], graph: Graph) -> Run:
    """Both networks on numbers of the first one's input shapes. Raises `WhyshapeError` for what cannot be run here."""
    import numpy

    draw = numpy.random.default_rng(0)
    inputs = []
    for i in graph.inputs:
        t = graph.tensors[i]
        whole = t.dtype.startswith(("int", "uint", "bool"))
        inputs.append((draw.integers(0, 2, t.shape) if whole else draw.standard_normal(t.shape)).astype(t.dtype))
    left, right = (_results(m, inputs) for m in models)
    if [x.shape for x in left] != [x.shape for x in right]:
        raise WhyshapeError(f"The results have other shapes: {[x.shape for x in left]} and {[x.shape for x in right]}.")
    apart = max((float(numpy.abs(a.astype("float64") - b).max()) for a, b in zip(left, right) if a.size), default=0.0)
    return Run(apart, max((float(numpy.abs(a.astype("float64")).max()) for a in left if a.size), default=0.0))


def _results(model: Any, inputs: list) -> list:
    from whyshape.readers import target

    if isinstance(model, str) and target.kind_of(model) == "onnx":
        return _onnx(model, inputs)
    if isinstance(model, str) and not target.is_file(model):
        model = target.load(model, real=True)
    if hasattr(model, "named_modules"):
        return _torch(model, inputs)
    raise WhyshapeError("A graph without its model cannot be run; give the PyTorch model, or the .onnx or .keras file.")


def _onnx(path: str, inputs: list) -> list:
    from importlib import import_module

    try:
        runtime = import_module("onnxruntime")
    except ImportError:
        raise WhyshapeError("To run an .onnx file onnxruntime is needed: pip install onnxruntime") from None
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return list(session.run(None, {held.name: x for held, x in zip(session.get_inputs(), inputs)}))


def _torch(model: Any, inputs: list) -> list:
    import torch

    from whyshape.analyses.translate import _tensors

    modes = [(m, m.training) for m in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            return [t.numpy() for t in _tensors(model(*[torch.from_numpy(x) for x in inputs]))]
    finally:
        for module, mode in modes:
            module.training = mode


__all__ = ["Run", "ran_both"]
