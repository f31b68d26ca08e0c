"""What a run needs to go on after it was killed, as one safetensors file that is either the old one or the new one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from whyshape.errors import WhyshapeError


def write_atomic(path: Path, content: bytes) -> None:
    """The file holds all of ``content`` or what it held before, wherever the power goes off."""
    fresh = path.with_name(path.name + ".new")
    with open(fresh, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def save_tensors(path: Path, tensors: dict[str, torch.Tensor], notes: dict) -> None:
    """Tensors and JSON notes in one safetensors file, written atomically. No pickle."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomic(path, save(tensors, {"whyshape": json.dumps(notes, sort_keys=True)}))


def load_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """The tensors and notes that `save_tensors` wrote; a broken or foreign file is a `WhyshapeError`."""
    try:
        with safe_open(path, framework="pt") as file:
            notes = json.loads((file.metadata() or {})["whyshape"])
            return {name: file.get_tensor(name) for name in file.keys()}, notes  # noqa: SIM118 (not a dict)
    except FileNotFoundError:
        raise WhyshapeError(f"{path} does not exist") from None
    except (OSError, SafetensorError, KeyError, ValueError) as problem:
        raise WhyshapeError(f"{path} is not a checkpoint of whyshape: {problem}") from None


def gathered(optimizer: torch.optim.Optimizer, names: list[str]) -> dict[str, torch.Tensor]:
    """The optimizer's memory as flat tensors ``optimizer/exp_avg/fc.fc1.weight``; names in the order of its parameters."""
    state = optimizer.state_dict()["state"]
    return {f"optimizer/{key}/{names[i]}": value for i, memory in state.items() for key, value in memory.items()}


def spread(optimizer: torch.optim.Optimizer, names: list[str], tensors: dict[str, torch.Tensor]) -> None:
    """Put back what `gathered` took."""
    memory: dict[int, dict[str, torch.Tensor]] = {}
    for full, tensor in tensors.items():
        if full.startswith("optimizer/"):
            _, key, name = full.split("/", 2)
            memory.setdefault(names.index(name), {})[key] = tensor
    optimizer.load_state_dict(optimizer.state_dict() | {"state": memory})
