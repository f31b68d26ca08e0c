"""A trained network on disk: ``NAME.safetensors`` with the weights, ``NAME.json`` with what made them and how good they are."""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as tensors_in
from safetensors.torch import save

from whyshape.errors import WhyshapeError
from whyshape.lab.data import Digits
from whyshape.lab.network import ThreadNet
from whyshape.lab.recipe import Recipe
from whyshape.lab.state import write_atomic
from whyshape.lab.train import Trained

SHIPPED = Path(__file__).parent / "checkpoint" / "digits.json"
SCHEMA = "whyshape.trained.v1"
MOST_BYTES = 1 << 20  # the thread's weights are 88 kB


def facts(trained: Trained, digits: Digits, recipe: Recipe, command: str) -> dict:
    """All that a reader needs to make the network again and to check that it is as good; accuracies from 0 to 1."""
    parts = {"train": digits.train, "validation": digits.validation, "test": digits.test}
    return {
        "schema": SCHEMA,
        "command": command,
        "network": {
            "class": "whyshape.lab.ThreadNet",
            "head": trained.network.head,
            "parameters": sum(p.numel() for p in trained.network.parameters()),
        },
        "data": {
            "name": digits.name,
            "split": digits.split,
            "images": {name: len(part) for name, part in parts.items()},
            "sha256": digits.sha256,
            "mean": digits.mean,
            "std": digits.std,
        },
        "recipe": recipe.to_dict(),
        "result": {
            "epochs_run": len(trained.history),
            "best_epoch": trained.best_epoch,
            "validation_loss": trained.validation[0],
            "validation_accuracy": trained.validation[1],
            "test_loss": trained.test[0],
            "test_accuracy": trained.test[1],
        },
        "made_with": {"torch": torch.__version__, "python": platform.python_version(), "threads": torch.get_num_threads()},
    }


def write(path: Path, trained: Trained, told: dict) -> None:
    """Both files; ``path`` is that of the JSON, the weights stand beside it."""
    weights = save({name: tensor.contiguous() for name, tensor in trained.network.state_dict().items()})
    told = told | {"weights_sha256": hashlib.sha256(weights).hexdigest()}
    write_atomic(path.with_suffix(".safetensors"), weights)
    write_atomic(path, (json.dumps(told, indent=2) + "\n").encode())


def facts_shipped() -> dict:
    """The facts of the network that comes with whyshape."""
    return json.loads(SHIPPED.read_text(encoding="utf-8"))


def read(path: Path = SHIPPED) -> tuple[ThreadNet, dict]:
    """The network in eval mode and its facts; without a path, the one that comes with whyshape.

    >>> network, told = read()
    >>> told["network"]["parameters"]
    21840

    Errors: `WhyshapeError` if a file is missing, broken, or the weights are not the ones the JSON speaks of.
    """
    path = Path(path)
    weights_path = path.with_suffix(".safetensors")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        with open(weights_path, "rb") as file:
            weights = file.read(MOST_BYTES + 1)
    except OSError as problem:
        raise WhyshapeError(f"{problem.filename} cannot be read: {problem.strerror}") from None
    except ValueError:
        raise WhyshapeError(f"{path} is not JSON") from None
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise WhyshapeError(f"{path} does not say that it is {SCHEMA}")
    if hashlib.sha256(weights).hexdigest() != told.get("weights_sha256"):
        raise WhyshapeError(f"{weights_path} is not the file that {path.name} speaks of: their sha256 differ")
    try:
        tensors = tensors_in(weights)
        network = ThreadNet(tensors["fc.fc2.weight"].shape[0], head=told["network"]["head"])
        network.load_state_dict(tensors)
    except (SafetensorError, KeyError, TypeError, IndexError, RuntimeError):
        raise WhyshapeError(f"{weights_path} does not hold the weights of the thread's network") from None
    return network.eval(), told
