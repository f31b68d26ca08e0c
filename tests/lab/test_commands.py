"""train, value, maps and play as they are typed: what is printed, what is written, and how they end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from whyshape.cli import main
from whyshape.lab import data, trained

SRC = str(Path(data.__file__).parents[2])


def test_train_says_how_well_it_did_and_keeps_it(tmp_path, capfd):
    """One epoch: five lines, three files, and the facts are those printed."""
    folder = tmp_path / "run"
    assert main(["train", "--epochs", "1", "--accelerator", "cpu", "-o", str(folder)]) == 0
    out = capfd.readouterr().out.splitlines()
    _, told = trained.read(folder / "model.json")
    assert [line.split()[0] for line in out] == ["data", "epochs", "validation", "test", "kept"]
    right = told["result"]["test_accuracy"]
    assert out[3] == f"test        {100 * right:.2f} % right ({round(right * 382)} of 382); looked at once, after the choice"
    assert told["command"] == "whyshape train --data digits --head flatten --epochs 1"
    assert (folder / "curves.svg").read_text().startswith("<svg ")
    assert sorted(path.name for path in folder.iterdir()) == ["curves.svg", "last.safetensors", "model.json", "model.safetensors"]


def test_train_twice_into_one_folder(tmp_path, capfd):
    """The second time is a sentence and exit code 2; --resume ends with the same weights."""
    command = ["train", "--epochs", "1", "--accelerator", "cpu", "-o", str(tmp_path / "run")]
    assert main(command) == 0
    first = (tmp_path / "run" / "model.safetensors").read_bytes()
    capfd.readouterr()
    assert main(command) == 2
    assert capfd.readouterr().err.endswith("holds a run already: go on with --resume, or name another folder\n")
    assert main([*command, "--resume"]) == 0
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == first


@pytest.mark.full
def test_two_processes_train_one_network(tmp_path):
    """Lightning Fabric starts the second process itself; one of them writes, and the network learns."""
    command = [sys.executable, "-m", "whyshape", "train", "--epochs", "4", "--accelerator", "cpu", "--devices", "2", "-o", "run", "--json"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": SRC, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout[done.stdout.index("{") :])
    assert told["result"]["validation_accuracy"] > 0.7 and told["result"]["epochs_run"] == 4


USAGE = {
    "no device": (["train", "--accelerator", "tpu9"], "Lightning Fabric refuses these devices: "),
    "no folder": (["train", "--data", "nowhere"], "nowhere is not a folder"),
    "no epochs": (["train", "--epochs", "0"], "epochs is 0, but it must be from 1 to 100000"),
    "place in words": (["value", "--layer", "fc.fc1", "--at", "x"], "--at takes whole numbers with commas between, such as 3,5,7; 'x' "),
    "not a PNG": (["maps", "-o", "maps.jpg"], "the picture is a PNG, so its name must end in .png; maps.jpg does not"),
    "nowhere to write": (["maps", "-o", "no/such/folder/maps.png"], "no/such/folder/maps.png cannot be written: No such file or directory"),
    "no spread": (["play", "--std", "0", "--save", "x.html"], "--std must be above 0, 0.0 was given"),
    "nowhere to save": (["play", "--save", "no/such/x.html"], "no/such/x.html cannot be written: No such file or directory"),
}  # fmt: skip


@pytest.mark.parametrize("command, sentence", USAGE.values(), ids=USAGE.keys())
def test_a_wrong_command_is_a_sentence(tmp_path, monkeypatch, capfd, command, sentence):
    """Exit code 2, one sentence, no traceback."""
    monkeypatch.chdir(tmp_path)
    assert main(command) == 2
    said = capfd.readouterr().err.strip().splitlines()
    assert sentence in said[-1] and "Traceback" not in "".join(said)


def test_value_prints_sum_and_pytorch(capfd):
    """The shipped network, ten channel sums, and the verdict."""
    assert main(["value", "--layer", "conv.conv_2", "--at", "3,5,7"]) == 0
    out = capfd.readouterr().out.splitlines()
    assert sum(line.strip().startswith("map ") for line in out) == 10
    assert out[-1].startswith("PyTorch says ") and "equal, the difference is" in out[-1]


def test_value_opens_what_is_asked(capfd):
    """--open all: 250 products in 50 rows."""
    assert main(["value", "--layer", "conv.conv_2", "--at", "3,5,7", "--open", "all"]) == 0
    assert sum(line.count(" * ") for line in capfd.readouterr().out.splitlines()) == 250


def test_value_of_an_own_model(tmp_path, capfd):
    """A TARGET with its real numbers, on random input."""
    layer = "nn.ConvTranspose2d(2, 3, 3, stride=2)"
    (tmp_path / "own.py").write_text(f"from torch import nn\ndef make():\n    return nn.Sequential({layer})\n")
    assert main(["value", f"{tmp_path / 'own.py'}:make", "--layer", "0", "--at", "1,4,4", "--input", "1,2,5,5", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["equal"] is True and told["type"] == "ConvTranspose2d" and told["output_shape"] == [3, 11, 11]
    assert main(["value", f"{tmp_path / 'own.py'}:make", "--layer", "0", "--at", "1,4,4"]) == 2
    assert "a model of your own needs --input" in capfd.readouterr().err


def test_maps_writes_a_picture(tmp_path, capfd):
    """A PNG, whole, and its name on stdout."""
    assert main(["maps", "-o", str(tmp_path / "maps.png")]) == 0
    assert capfd.readouterr().out == f"{tmp_path / 'maps.png'}\n"
    with Image.open(tmp_path / "maps.png") as picture:
        assert picture.format == "PNG" and picture.width == 1152


def test_lab_is_lazy():
    """`import whyshape` and `import whyshape.lab` load no framework."""
    code = "import sys, whyshape, whyshape.lab; print([m for m in ('torch', 'numpy', 'lightning_fabric') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": SRC})
    assert done.stdout == "[]\n", done.stderr
