"""The Python door: sizes of every integer kind, dtypes alone, paths, and one sentence for what cannot be asked."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
from torch import nn

import whyshape
from whyshape import WhyshapeError, explain

CHAIN = "1x28x28 -> 10x24x24 -> 5760"


def net():
    return nn.Sequential(nn.Conv2d(1, 10, 5), nn.Flatten())


SIZES = {
    "tuple": lambda: (2, 1, 28, 28),
    "list": lambda: [2, 1, 28, 28],
    "list of one": lambda: [[2, 1, 28, 28]],
    "torch.Size": lambda: torch.Size((2, 1, 28, 28)),
    "numpy integers": lambda: (np.int64(2), 1, np.int32(28), np.uint8(28)),
    "numpy array": lambda: np.array([2, 1, 28, 28]),
    "generator": lambda: (n for n in (2, 1, 28, 28)),
    "generator of shapes": lambda: (s for s in [(2, 1, 28, 28)]),
}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_shape_of_any_kind(size):
    """All of them are the same four whole numbers."""
    answer = explain(net(), size())
    assert answer.chain == CHAIN and [i["shape"] for i in answer.to_dict()["inputs"]] == [[2, 1, 28, 28]]
    assert all(type(n) is int for n in answer.graph.tensors[answer.graph.inputs[0]].shape)
    assert whyshape.diagnose(net(), size()).exit_code == 0


@pytest.mark.parametrize("dtypes", ["float32", torch.float32, ["float32"], (torch.float32,)], ids=str)
def test_a_dtype_alone_or_in_a_list(dtypes):
    """One dtype needs no list."""
    assert explain(net(), (2, 1, 28, 28), dtypes=dtypes).chain == CHAIN
    assert explain("Conv2d(1, 10, 5) > Flatten", (2, 1, 28, 28), dtypes=dtypes).chain == CHAIN
    assert whyshape.accepts(net(), ("N", 1, 28, 28), dtypes=dtypes).contains(N=3)


def test_a_path_is_a_file_name(tmp_path):
    """`pathlib.Path` as the text of it."""
    with pytest.raises(WhyshapeError, match="cannot be read: No such file or directory"):
        explain(tmp_path / "gone.onnx")
    (tmp_path / "net_of_path.py").write_text("from torch import nn\ndef make():\n    return nn.Conv2d(1, 10, 5)\n")
    answer = explain(Path(f"{tmp_path}/net_of_path.py:make"), (2, 1, 28, 28), verify=True)
    assert answer.chain == "1x28x28 -> 10x24x24" and answer.verified.checked == 1


PICTURE = np.zeros((1, 1, 28, 28), "float32")
ASKED = [
    (lambda: explain(net(), "1,1,28,28"), "a shape is a tuple as (1, 3, 224, 224), '1,1,28,28' arrived"),
    (lambda: explain(net(), 28), "a shape is a tuple as (1, 3, 224, 224), 28 arrived"),
    (lambda: explain(net(), (1, 1, 28.0, 28)), "28.0 in the shape (1, 1, 28.0, 28) is neither a whole number nor a letter"),
    (lambda: explain(net(), (1, 1, True, 28)), "True in the shape (1, 1, True, 28) is neither a whole number nor a letter"),
    (lambda: explain(net(), {"x": (1, 1, 28, 28)}), "input_size is a shape, or a list of shapes in the order of forward; inputs by name are given as input_data"),
    (lambda: explain(net(), torch.zeros(1, 1, 28, 28)), "a tensor arrived as input_size; give it as input_data, or its shape"),
    (lambda: explain(net(), np.zeros((1, 1, 28, 28))), "an array arrived as input_size; give it as input_data, or its shape"),
    (lambda: explain(net(), input_data=PICTURE), "a numpy array arrived, and PyTorch's layers take tensors: give torch.from_numpy(array)"),
    (lambda: explain(net(), input_data={"input": PICTURE}), "a numpy array arrived, and PyTorch's layers take tensors: give torch.from_numpy(array)"),
    (lambda: explain(net(), (1, 1, 28, 28), input_data=torch.from_numpy(PICTURE)), "input_size and input_data are given; one of them is wanted"),
    (lambda: whyshape.diagnose(net(), (1, 1, 28, 28), input_data=torch.from_numpy(PICTURE)), "input_size and input_data are given; one of them is wanted"),
    (lambda: explain("ReLU", input_data={"x": PICTURE}), "inputs by name are for PyTorch models; give this network's as a list, in its own order"),
    (lambda: explain("ReLU", input_data=28), "input_data holds tensors or arrays, int arrived"),
    (lambda: explain("ReLU", (1, 4), mode="evil"), "mode is 'eval', 'train' or 'same', 'evil' arrived"),
    (lambda: whyshape.diagnose(net(), ("N", 1, "H", "W")), "diagnose asks about one input: give numbers for every axis; `accepts` takes letters"),
    (lambda: whyshape.diagnose(net(), "1,1"), "a shape is a tuple as (1, 3, 224, 224), '1,1' arrived"),
    (lambda: explain(net(), (1, 1, 28, 28)).text("ful"), "a level is brief, default, full; 'ful' arrived"),
    (lambda: explain(net(), (1, 1, 28, 28)).value("0", None), "a place is whole numbers, as (3, 5, 7); None arrived"),
]  # fmt: skip


@pytest.mark.parametrize("ask, sentence", ASKED, ids=[s for _, s in ASKED])
def test_what_cannot_be_asked(ask, sentence):
    """The whole sentence, as a `WhyshapeError`."""
    with pytest.raises(WhyshapeError) as told:
        ask()
    assert str(told.value) == sentence


def test_diagnose_says_that_an_array_is_no_tensor():
    """The cause, instead of PyTorch's list of the forms a convolution has."""
    found = whyshape.diagnose(net(), input_data=PICTURE)
    assert "a numpy array arrived, and PyTorch's layers take tensors: give torch.from_numpy(array)" in str(found)


def test_a_model_may_take_arrays():
    """Where its own code makes a tensor of the array, nothing is wrong."""

    class Takes(nn.Module):
        def forward(self, x):
            return torch.as_tensor(x).flatten(1)

    graph = explain(Takes(), input_data=PICTURE).graph
    assert [graph.tensors[i].shape for i in graph.outputs] == [(1, 784)]


def test_data_gives_its_shape_to_a_network_that_is_only_described():
    """Notation and graphs are asked at the sizes of the data."""
    assert explain("Conv2d(1, 10, 5) > Flatten", input_data=PICTURE[..., :9, :9]).chain == "1x9x9 -> 10x5x5 -> 250"
    graph = explain("Conv2d(1, 10, 5) > Flatten", (1, 1, 28, 28)).graph
    assert explain(graph, input_data=torch.zeros(2, 1, 9, 9)).chain == "1x9x9 -> 10x5x5 -> 250"
    assert explain(graph, (2, 1, 9, 9)).chain == "1x9x9 -> 10x5x5 -> 250"
    assert whyshape.diagnose("Linear(4, 2)", input_data=torch.zeros(1, 5)).exit_code == 1
    assert whyshape.accepts(graph, (1, 1, "H", 12)).contains(H=5)


@pytest.mark.parametrize(
    "name", ["explain", "accepts", "diagnose", "solve", "compare", "translate", "annotate", "survey", "layer", "summary"]
)
def test_help_tells_the_arguments(name):
    """`help(whyshape.solve)` shows the arguments and what they mean, not `*args`."""
    import inspect

    door = getattr(whyshape, name)
    assert not any(p.name == "args" for p in inspect.signature(door).parameters.values())
    assert door.__doc__ and (len(door.__doc__.splitlines()) > 1)


def test_an_explanation_travels():
    """Copied, pickled, and made by several threads at once: the same answer."""
    answer = explain(net(), (2, 1, 28, 28))
    for other in (copy.copy(answer), copy.deepcopy(answer), pickle.loads(pickle.dumps(answer))):
        assert other.to_dict() == answer.to_dict() and str(other) == str(answer)
    made: list[str] = []
    threads = [Thread(target=lambda: made.append(explain(net(), (2, 1, 28, 28)).to_json())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [answer.to_json()] * 4


def test_nothing_is_said_of_a_file_that_was_refused_at_its_door(tmp_path):
    """Its parameters are not 0: nobody counted them."""
    import onnx
    from onnx import TensorProto, helper

    shape = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "net", [shape], [made])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), str(tmp_path / "net.onnx"))
    said = str(explain(tmp_path / "net.onnx", (1, 5)))
    assert "It stops here" in said and "parameters" not in said
    assert "0 parameters" in str(explain(tmp_path / "net.onnx"))


def test_the_lab_is_there_without_an_import_of_its_own(monkeypatch):
    """`whyshape.lab.value`, as docs/lab.md writes it."""
    monkeypatch.delattr(whyshape, "lab", raising=False)
    assert whyshape.lab.value(nn.Conv2d(1, 2, 3), "", (0, 0, 0), torch.ones(1, 1, 3, 3)).equal and "lab" in dir(whyshape)
