"""A command that needs values builds the model with the numbers its own constructor draws; others build it without."""

import pytest

torch = pytest.importorskip("torch")

from whyshape.cli import main  # noqa: E402
from whyshape.errors import WhyshapeError  # noqa: E402
from whyshape.readers.target import load  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own, on its torch backend

SOURCE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, filled=2.5):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.scale = nn.Parameter(torch.full((2, 1, 1), filled))  # no reset_parameters would draw it again

    def forward(self, x):
        return self.conv(x) * self.scale

with torch.device("meta"):
    empty = nn.Linear(2, 2)
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "net.py").write_text(SOURCE)
    return str(tmp_path / "net.py")


@pytest.mark.parametrize("call, held", [("Net", 2.5), ("Net(filled=4.0)", 4.0)])
def test_real_numbers_are_the_constructors_own(file, call, held):
    """The parameter that the constructor filled holds what it was filled with; without asking nothing is filled."""
    assert load(f"{file}:{call}", real=True).scale.flatten().tolist() == [held, held]
    assert load(f"{file}:{call}").scale.is_meta


def test_a_model_without_numbers_is_refused(file):
    """It was made on the meta device by its own file."""
    with pytest.raises(WhyshapeError) as refused:
        load(f"{file}:empty", real=True)
    assert str(refused.value) == f"{file}:empty lies on the meta device and holds no numbers; a model with numbers is wanted here"


def test_translate_moves_the_constructors_numbers(file, capsys):
    """2.5 stays 2.5: the Keras model gives what the PyTorch model gives."""
    pytest.importorskip("keras")
    assert main(["translate", f"{file}:Net(filled=2.5)", "--to", "keras", "--input", "1,1,8,8"]) == 0
    assert "Run on both sides" in capsys.readouterr().out
