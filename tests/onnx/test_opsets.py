"""Operators whose words changed from opset to opset: one node, every opset from 7 on. onnxruntime and we give one shape, or both refuse."""

from typing import Any, NamedTuple

import pytest

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

import whyshape.readers.onnx as reader  # noqa: E402
from whyshape.errors import WhyshapeError  # noqa: E402

LAST = onnx.defs.onnx_opset_version()  # 28 at the time of writing
OPSETS = range(7, LAST + 1)


class Row(NamedTuple):
    """One setting. ``words``: attributes; those that an opset takes as inputs are told by ``moved``: (name, first opset, place)."""

    op: str
    shape: tuple[int, ...]
    words: dict[str, Any]
    moved: tuple[tuple[str, int, int], ...] = ()
    more: tuple[Any, ...] = ()  # weights by their shape, other inputs by their numbers
    opsets: tuple[int, int] = (7, LAST)  # where the setting has words
    outputs: int = 1


AXES13, AXES18 = (("axes", 13, 1),), (("axes", 18, 1),)
CUT = (("starts", 10, 1), ("ends", 10, 2), ("axes", 10, 3))
IMAGE = (2, 4, 9, 7)
REDUCE = [
    ("ReduceSum", AXES13),
    *((name, AXES18) for name in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL2", "ReduceLogSumExp")),
]
ROI, SCALES, SIZES = (0,), (("scales", 11, 2),), (("sizes", 11, 3),)  # an empty roi stood before opset 13, where it may be left out
PLACES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
FACTORS = ([1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 0.5, 1.5], [1.0, 1.0, 0.3, 0.7], [1.0, 1.0, 1.0, 3.1], [1.0, 1.0, 0.6, 1 / 3])
TARGETS = ([2, 4, 9, 7], [2, 4, 3, 14], [2, 4, 1, 1])
CROP = {"coordinate_transformation_mode": "tf_crop_and_resize", "mode": "linear"}
RESIZE = [
    *(Row("Resize", IMAGE, {"mode": mode, "scales": by}, (("scales", 10, 1),), (), (10, 10)) for mode in ("nearest", "linear") for by in FACTORS),
    *(Row("Resize", IMAGE, {"mode": mode, "coordinate_transformation_mode": place, "scales": by}, SCALES, (ROI,), (11, LAST))
      for mode in ("nearest", "linear", "cubic") for place in PLACES for by in FACTORS),
    *(Row("Resize", IMAGE, {"mode": mode, "coordinate_transformation_mode": place, "sizes": to}, SIZES, (), (13, LAST))
      for mode in ("nearest", "linear", "cubic") for place in PLACES for to in TARGETS),
    *(Row("Resize", IMAGE, {"nearest_mode": how, "scales": FACTORS[1]}, SCALES, (ROI,), (11, LAST))
      for how in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")),
    *(Row("Resize", IMAGE, {"coordinate_transformation_mode": "tf_half_pixel_for_nn", "scales": by}, SCALES, (ROI,), (11, 12)) for by in FACTORS),
    *(Row("Resize", IMAGE, {"coordinate_transformation_mode": "half_pixel_symmetric", "scales": by}, SCALES, (), (19, LAST)) for by in FACTORS),
    *(Row("Resize", IMAGE, {**CROP, "scales": by}, SCALES, ([0.0, 0.0, 0.2, 0.1, 1.0, 1.0, 0.8, 0.6],), (11, LAST)) for by in FACTORS),
    *(Row("Resize", IMAGE, {"mode": "linear", "antialias": 1, "scales": by}, SCALES, (), (18, LAST)) for by in FACTORS),
    *(Row("Resize", IMAGE, {"mode": mode, "axes": [2, 3], "sizes": to, "keep_aspect_ratio_policy": policy}, SIZES, (), (18, LAST))
      for mode in ("nearest", "linear") for to in ([18, 9], [5, 5], [4, 20], [1, 3]) for policy in ("stretch", "not_larger", "not_smaller")),
    *(Row("Resize", IMAGE, {"axes": axes, "scales": [0.5, 2.5]}, SCALES, (), (18, LAST)) for axes in ([2, 3], [3, 2], [-1, -2])),
    *(Row("Resize", (1, 2, 9), {"mode": mode, "scales": [1.0, 1.0, by]}, SCALES, (ROI,), (11, LAST)) for mode in ("nearest", "linear") for by in (2.0, 0.4)),
    Row("Resize", IMAGE, {"scales": [1.0, 2.0, 2.0]}, SCALES, (ROI,), (11, LAST)),
    Row("Resize", IMAGE, {"sizes": [18, 14]}, SIZES, (), (13, LAST)),
    Row("Resize", IMAGE, {"scales": FACTORS[0], "sizes": TARGETS[0]}, (*SCALES, *SIZES), (), (13, LAST)),
    Row("Resize", IMAGE, {}, (), (), (13, LAST)),
]  # fmt: skip
ROWS = [
    *RESIZE,
    *(Row("Clip", (3, 4), words, (("min", 11, 1), ("max", 11, 2))) for words in ({"min": 0.0, "max": 6.0}, {"min": 0.0}, {})),
    *(Row("Squeeze", shape, words, AXES13) for shape in ((1, 3, 1), (2, 3, 1)) for words in ({"axes": [0]}, {"axes": [2]}, {})),
    Row("Squeeze", (1, 3, 1), {"axes": [-1]}, AXES13, (), (11, LAST)),
    *(Row("Unsqueeze", (3, 4), {"axes": axes}, AXES13) for axes in ([0], [1, 3], [0, 0], [4])),
    Row("Unsqueeze", (3, 4), {"axes": [-1]}, AXES13, (), (11, LAST)),
    *(Row(op, (2, 3, 4), {**words, "keepdims": keep}, moved) for op, moved in REDUCE for words in ({"axes": [1]}, {"axes": [0, 2]}, {}) for keep in (0, 1)),
    *(Row("Split", (6, 4), {"split": split, "axis": 0}, (("split", 13, 1),), (), (7, LAST), 2) for split in ([2, 4], [3, 3], [2, 3])),
    *(Row("Split", shape, {"axis": 0}, (), (), (7, 17), n) for shape in ((6, 4), (7, 4)) for n in (2, 3)),
    *(Row("Split", shape, {"axis": 0, "num_outputs": n}, (), (), (18, LAST), n) for shape in ((6, 4), (7, 4)) for n in (2, 3)),
    *(Row("TopK", (3, 5), {"k": k, "axis": 1}, (("k", 10, 1),), (), (7, LAST), 2) for k in ([2], [5], [6])),
    *(Row("Slice", (5, 6), {"starts": s, "ends": e, "axes": a}, CUT) for s, e, a in (([1], [4], [0]), ([0, 1], [-1, 99], [0, 1]), ([4], [2], [0]))),
    *(Row("Pad", (1, 2, 5), {"pads": pads, "mode": mode}, (("pads", 11, 1),)) for pads, mode in (
        ([0, 0, 1, 0, 0, 2], "constant"), ([0, 0, -1, 0, 0, 0], "constant"), ([0, 0, 2, 0, 0, 2], "reflect"), ([0, 0, 1, 0, 0, 1], "edge"))),
    *(Row("Upsample", (1, 2, 4, 3), {"scales": scales, "mode": mode}, (("scales", 9, 1),), (), (7, 9))
      for scales in ([1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 1.5, 2.5]) for mode in ("nearest", "linear")),
    *(Row("Softmax", (2, 3, 4), words) for words in ({}, {"axis": 0}, {"axis": 2}, {"axis": 3})),
    *(Row(op, (5,), words) for op in ("Softmax", "Flatten") for words in ({}, {"axis": 0})),
    *(Row("Transpose", (2, 3), {"perm": perm}) for perm in ([1, 0], [0, 2], [0, 0], [0])),
    *(Row("Squeeze", (1, 3, 1), {"axes": axes}, AXES13) for axes in ([3], [0, 0])),
    *(Row(op, (2, 3), {"axis": 2}, (), (more,)) for op, more in (("Concat", (2, 3)), ("Gather", [0]))),
    Row("Softmax", (2, 3, 4), {"axis": -1}, (), (), (11, LAST)),
    *(Row("Flatten", (2, 3, 4), words) for words in ({}, {"axis": 0}, {"axis": 3}, {"axis": 4})),
    Row("Flatten", (2, 3, 4), {"axis": -1}, (), (), (11, LAST)),
    *(Row("Conv", IMAGE, words, (), (weight,)) for words, weight in (
        ({}, (8, 4, 3, 3)), ({"strides": [2, 1], "pads": [1, 0, 0, 1]}, (8, 4, 3, 3)), ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, (8, 4, 3, 2)),
        ({"group": 2}, (8, 2, 3, 3)), ({}, (8, 3, 3, 3)), ({"dilations": [2, 2]}, (8, 4, 3, 3)), ({}, (8, 4, 10, 3)))),
    *(Row("ConvTranspose", IMAGE, words, (), (weight,)) for words, weight in (
        ({}, (4, 8, 3, 3)), ({"strides": [2, 3], "output_padding": [1, 0]}, (4, 8, 3, 3)), ({"pads": [1, 1, 1, 1], "group": 2}, (4, 4, 3, 3)),
        ({"strides": [2, 2], "auto_pad": "SAME_UPPER"}, (4, 8, 3, 3)), ({}, (3, 8, 3, 3)))),
    *(Row(op, IMAGE, {"kernel_shape": [3, 2], **words}) for op in ("MaxPool", "AveragePool") for words in (
        {}, {"strides": [2, 2]}, {"pads": [1, 1, 1, 0], "strides": [2, 1]}, {"auto_pad": "SAME_LOWER", "strides": [2, 2]})),
    *(Row(op, IMAGE, {"kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1}, (), (), (10, LAST)) for op in ("MaxPool", "AveragePool")),
    Row("MaxPool", IMAGE, {"kernel_shape": [3, 3], "dilations": [2, 3]}, (), (), (10, LAST)),
    Row("AveragePool", IMAGE, {"kernel_shape": [3, 3], "dilations": [2, 2]}, (), (), (19, LAST)),
    *(Row("MatMul", shape, {}, (), (weight,)) for shape, weight in (((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((4,), (4, 5)), ((2, 3), (4, 5)))),
    *(Row("Gemm", shape, words, (), (weight, (5,))) for shape, words, weight in (
        ((3, 4), {}, (4, 5)), ((4, 3), {"transA": 1}, (4, 5)), ((3, 4), {"transB": 1}, (5, 4)), ((3, 4), {}, (5, 4)))),
    Row("Gemm", (3, 4), {}, (), ((4, 5),), (11, LAST)),
    *(Row("BatchNormalization", IMAGE, {}, (), ((n,),) * 4) for n in (4, 3)),
    *(Row("Gather", (5, 3), {"axis": axis}, (), (index,)) for axis in (0, 1) for index in ([0, 2], [[1, 0], [2, 2]])),
    *(Row("Cast", (2, 3), {"to": to}) for to in (onnx.TensorProto.FLOAT16, onnx.TensorProto.INT64, onnx.TensorProto.BOOL)),
    *(Row("Expand", (3, 1), {}, (), (to,), (8, LAST)) for to in ([3, 4], [2, 1, 6], [1, 1], [2, 4])),
    *(Row("Tile", (2, 3), {}, (), (by,)) for by in ([2, 2], [1, 3])),
    *(Row("Reshape", (2, 3, 4), {}, (), (to,)) for to in ([6, 4], [0, -1], [-1], [5, 5], [0, 0, 2, 2])),
    *(Row("Concat", (2, 3), {"axis": axis}, (), (weight,)) for axis in (0, 1) for weight in ((2, 3), (2, 5), (4, 3))),
]  # fmt: skip


def file_of(row: Row, opset: int) -> bytes:
    """The one node, in the words of that opset."""
    words, held, names = dict(row.words), [], ["x"]
    for i, given in enumerate(row.more):
        array = np.ones(given, np.float32) if isinstance(given, tuple) else np.array(given)
        array = array.astype(np.float32) if array.dtype == np.float64 else array
        held.append(onnx.numpy_helper.from_array(array, f"w{i}"))
        names.append(f"w{i}")
    for name, since, place in row.moved:
        if opset >= since and name in words:
            value = words.pop(name)
            kind = np.float32 if isinstance(value, float) or (isinstance(value, list) and isinstance(value[0], float)) else np.int64
            names += [""] * (place + 1 - len(names))
            names[place] = name
            held.append(onnx.numpy_helper.from_array(np.array(value, kind), name))
    if "k" in words:
        words["k"] = words["k"][0]
    info = onnx.helper.make_tensor_value_info
    outs = [f"y{i}" for i in range(row.outputs)]
    node = onnx.helper.make_node(row.op, names, outs, **words)
    graph = onnx.helper.make_graph([node], "one", [info("x", 1, row.shape)], [onnx.ValueInfoProto(name=n) for n in outs], held)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8).SerializeToString()


def theirs(content: bytes, row: Row):
    """Shapes and dtypes by onnxruntime; None where it refuses."""
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        made = runtime.InferenceSession(content, options).run(None, {"x": np.ones(row.shape, np.float32)})
    except Exception:  # whatever it raises: it refuses
        return None
    return [(y.shape, str(y.dtype)) for y in made]


def ours(content: bytes, row: Row):
    try:
        graph = reader.read(content, [row.shape])
    except WhyshapeError:
        return None
    if graph.problem is not None:
        return None
    assert all(node.by == "rule" for node in graph.nodes), graph.nodes
    return [(tuple(map(int, graph.tensors[t].shape)), graph.tensors[t].dtype) for t in graph.outputs]


@pytest.mark.parametrize("name", dict.fromkeys(row.op for row in ROWS))
def test_every_opset(name):
    """The shape that onnxruntime gives, at every opset that has words for it; where it refuses, so do we."""
    apart, answered = [], 0
    for row in (row for row in ROWS if row.op == name):
        for opset in OPSETS:
            if row.opsets[0] <= opset <= row.opsets[1]:
                content = file_of(row, opset)
                said, real = ours(content, row), theirs(content, row)
                answered += real is not None
                if said != real:
                    apart.append((opset, row, said, real))
    assert not apart, "\n".join(map(str, apart[:20]))
    assert answered


@pytest.mark.parametrize(
    "index, read", [(range(6), "reshape"), ([0, 1, 2, 3, 5, 4], "Tensor.__getitem__")], ids=["in order", "two changed places"]
)
def test_a_gather_of_every_number_in_its_order_is_a_reshape(index, read):
    """As exporters write a tensor that is laid out anew; numbers in another order are no reshape."""
    row = Row("Gather", (6,), {"axis": 0}, (), (np.array(index).reshape(1, 6, 1).tolist(),))
    graph = reader.read(file_of(row, 18), [row.shape])
    assert [n.op for n in graph.nodes] == [read] and graph.tensors[graph.outputs[0]].shape == (1, 6, 1)
