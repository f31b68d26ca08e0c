"""The words of a fix, written into a real ONNX file with the `onnx` package."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper


def edited(model: onnx.ModelProto, edits) -> onnx.ModelProto:
    """A copy of the file with the edits to the file made; those to the input are for `shaped`."""
    again = onnx.ModelProto()
    again.CopyFrom(model)
    graph = again.graph
    del graph.value_info[:]
    for edit in edits:
        if "param" in edit:
            (held,) = [t for t in graph.initializer if t.name == edit["param"]]
            numbers = numpy_helper.to_array(held)
            was, now = numbers.shape, tuple(edit["shape"])
            one = [i for i, (a, b) in enumerate(zip(was, now)) if a != b]
            held.CopyFrom(
                numpy_helper.from_array(
                    np.repeat(numbers, now[0], 0) if one == [0] and was[0] == 1 else np.zeros(now, numbers.dtype), held.name
                )
            )
        elif "layer" in edit and any(i.name == edit["layer"] for i in graph.input):
            (held,) = [i for i in graph.input if i.name == edit["layer"]]
            typed = held.type.tensor_type
            held.CopyFrom(onnx.helper.make_tensor_value_info(held.name, typed.elem_type, edit["value"]))
        elif "layer" in edit:
            (node,) = [n for n in graph.node if edit["layer"] in (n.name, n.output[0])]
            graph.initializer.append(numpy_helper.from_array(np.array(edit["value"], "int64"), f"told {edit['layer']}"))
            node.input[1] = f"told {edit['layer']}"
    for out in graph.output:
        out.type.tensor_type.ClearField("shape")
    return again


def shaped(x: np.ndarray, edits) -> np.ndarray:
    """The input as the edits to it say."""
    for edit in edits:
        match edit.get("input") or ("batch" in edit and "batch"):
            case "batch":
                x = x[: int(edit["batch"])]
            case "permute":
                x = x.transpose(edit["dims"])
            case "unsqueeze":
                x = np.expand_dims(x, edit["dim"])
            case "squeeze":
                x = np.squeeze(x, edit["dim"])
            case "expand_channels":
                x = np.repeat(x, edit["to"], 1)
            case "grayscale":
                x = x.mean(1, keepdims=True)
            case "resize":
                x = np.zeros((*x.shape[:2], *(edit.get("hw") or [edit["length"]])), x.dtype)
            case "truncate":
                x = x.take(range(edit["to"]), edit["dim"])
            case "pad_length":
                wide = [(0, 0)] * x.ndim
                wide[edit["dim"]] = (0, edit["to"] - x.shape[edit["dim"]])
                x = np.pad(x, wide)
    return x


def ran(model: onnx.ModelProto, edits, *inputs: np.ndarray) -> list[np.ndarray]:
    """What onnxruntime gives for the file and the inputs, both changed as the edits say."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(edited(model, edits).SerializeToString(), options)
    given = [shaped(x, [e for e in edits if e.get("arg", 0) == i or "batch" in e]) for i, x in enumerate(inputs)]
    return session.run(None, {s.name: x for s, x in zip(session.get_inputs(), given)})
