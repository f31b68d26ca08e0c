"""Refusals name what was asked: the file, the axis, the command that would do."""

from __future__ import annotations

import pytest

from whyshape import explain
from whyshape.cli import main
from whyshape.errors import WhyshapeError

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x):
        return self.conv(x).view({})
"""


@pytest.mark.parametrize("name", ["empty.keras", "empty.json", "empty.onnx"])
@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"\xff" * 50])
def test_a_damaged_file_is_named(name, content, tmp_path, capsys):
    (tmp_path / name).write_bytes(content)
    assert main(["explain", str(tmp_path / name)]) == 2
    said = capsys.readouterr().err
    assert name in said and "This " not in said
    assert said.count("\n") == 1


def test_a_file_is_not_translated_to_keras_and_no_input_is_asked_for(capsys):
    for target, said in (
        ("net.onnx", "net.onnx is no PyTorch model; to Keras a live one is translated: name it as file.py:Net."),
        ("net.json", "net.json is no PyTorch model"),
        ("Conv2d(1, 2, 3) > ReLU", "Conv2d(1, 2, 3) > ReLU is no PyTorch model"),
        ("net.keras", "net.keras is written in Keras already; --to torch writes it in PyTorch."),
    ):
        assert main(["translate", target, "--to", "keras"]) == 2
        assert said in capsys.readouterr().err


def test_the_axis_put_in_front_is_named(capsys):
    assert main(["layer", "Conv2d(1, 10, 5)", "--input", "28,28"]) == 0
    assert "28,28 has no axis of maps; 1 map was put in front." in capsys.readouterr().out
    assert "8,3,3 has no batch axis; a batch of 1 was put in front." in explain("BatchNorm2d(8)", (8, 3, 3)).text()


def test_a_picture_needs_a_name_of_a_file(tmp_path):
    answer = explain("Conv2d(1, 2, 3)", (1, 1, 8, 8))
    for write in (answer.report, lambda path: answer.figure(path=path), lambda path: answer.to_csv(path)):
        with pytest.raises(WhyshapeError, match=r"the name of a file is wanted, .* of type int arrived"):
            write(3)
    with pytest.raises(WhyshapeError, match="of type NoneType arrived"):
        answer.report(None)
    answer.report(tmp_path / "net.html")
    assert (tmp_path / "net.html").stat().st_size > 1000


def test_why_input_knows_typed_rows(tmp_path, capsys):
    """The sizes that run are told where a view fixes them as where a Linear does; without either nothing is fixed."""
    (tmp_path / "net.py").write_text(NET.format("-1, 72"))
    assert main(["why", f"{tmp_path / 'net.py'}:Net", "input", "--input", "1,1,8,8"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Tensor.view lays what arrives in rows of 72 numbers: nothing may be left over." in said
    assert "Sizes that run: H " in said
    (tmp_path / "net.py").write_text(NET.format("x.size(0), -1"))
    assert main(["why", f"{tmp_path / 'net.py'}:Net", "input", "--input", "1,1,8,8"]) == 0
    said = capsys.readouterr().out
    assert "rows of" not in said and "Sizes that run" not in said


def test_one_input_is_singular(tmp_path):
    onnx = pytest.importorskip("onnx")
    told = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3]) for name in "xy"]
    made = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", told[:1], told[1:])
    onnx.save(onnx.helper.make_model(made), tmp_path / "net.onnx")
    with pytest.raises(WhyshapeError, match=r"The file has 1 input; 2 shapes are given\."):
        explain(str(tmp_path / "net.onnx"), [(1, 3), (1, 3)])
