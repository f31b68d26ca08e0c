"""Applying a fix, as data, to a copy of a model and its inputs; every edit can be taken back.

The vocabulary is that of DESIGN.md ("The words of a fix"). The model given here must be a copy: it is changed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from whyshape.readers.torch.source import rewrite

RECURRENT = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional")
PRESENT = {"bias": ("bias", "in_proj_bias", "bias_ih_l0"), "add_bias_kv": ("bias_k",), "affine": (), "elementwise_affine": ()}


class CannotApply(Exception):
    """The edit has no meaning for this model: no such layer, or a constructor that refuses it."""


class _Blank(TorchFunctionMode):
    """Layers are built without drawing a random number: what would fill a tensor leaves it as it is."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name.endswith("_") and not name.endswith("__") and args and isinstance(args[0], torch.Tensor) and args[0].is_meta:
            return args[0]
        return func(*args, **(kwargs or {}))


@contextmanager
def building(real: bool):
    """Where new layers are made: empty on the meta device, or with numbers where the copy has numbers."""
    if real:
        with torch.random.fork_rng(devices=[]):
            yield
    else:
        with torch.device("meta"), _Blank():
            yield


def arguments(layer: torch.nn.Module) -> dict[str, Any]:
    """The constructor arguments of a layer, read back from its attributes; those it does not keep are left out.

    >>> arguments(torch.nn.Linear(320, 50))
    {'in_features': 320, 'out_features': 50, 'bias': True}
    """
    if isinstance(layer, torch.nn.RNNBase):
        names: Iterable[str] = RECURRENT
    else:
        try:
            signature = inspect.signature(type(layer).__init__).parameters
        except (TypeError, ValueError):
            return {}
        names = [n for n, p in signature.items() if n != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    found: dict[str, Any] = {}
    for name in names:
        if name in ("device", "dtype") or name.startswith("_"):
            continue
        value = getattr(layer, name, None)
        if name in PRESENT and not isinstance(value, bool):
            found[name] = any(getattr(layer, n, None) is not None for n in (name, *PRESENT[name]))
        elif hasattr(layer, name):
            found[name] = value
    if not type(layer).__name__.startswith("ConvTranspose"):
        found.pop("output_padding", None)
    return found


def rebuilt(layer: torch.nn.Module, changes: dict[str, Any], real: bool) -> torch.nn.Module:
    """A new layer of the same type with some constructor arguments changed."""
    kept = arguments(layer)
    kept.update(changes)
    try:
        with building(real):
            new = type(layer)(**kept)
    except Exception as error:  # any constructor, the user's too, may refuse in any way
        raise CannotApply(f"{type(layer).__name__} cannot be built: {error}") from None
    return new.train(layer.training)


class Edits:
    """Edits made to one copy of a model and its inputs, in a form that can be undone."""

    def __init__(self, model, args: list, real: bool = False):
        self.model, self.args, self.real = model, list(args), real
        self.undo: list[Callable[[], Any]] = []
        self.inserted: list[str] = []

    def apply(self, edits: Iterable[dict]) -> None:
        """Make the edits: first constructor arguments (those of one layer together), then the rest in their order, then lines of code."""
        merged: dict[str, dict] = {}
        rest, lines = [], []
        for edit in edits:
            if "layer" in edit:
                merged.setdefault(edit["layer"], {})[edit["attr"]] = edit["value"]
            else:
                (lines if "forward" in edit else rest).append(edit)
        for path, changes in merged.items():
            self.attributes(path, changes)
        for edit in rest:
            kind = next((k for k in KINDS if k in edit), None)
            if kind is None:
                raise CannotApply("there is nothing to apply")
            KINDS[kind](self, edit)
        if lines:  # last: a layer exchanged has methods of its own
            self.code(lines)

    def take_back(self) -> None:
        """The copy as it was."""
        while self.undo:
            self.undo.pop()()

    # -- layers --------------------------------------------------------------------------------------------------------

    def at(self, path: str) -> torch.nn.Module:
        try:
            return self.model.get_submodule(path)
        except AttributeError:
            raise CannotApply(f"there is no layer {path}") from None

    def swap(self, path: str, new: torch.nn.Module) -> None:
        if not path:
            old = self.model
            self.model = new
            self.undo.append(lambda: setattr(self, "model", old))
            return
        parent, _, name = path.rpartition(".")
        table = self.at(parent)._modules
        if name not in table:
            raise CannotApply(f"there is no layer {path}")
        old_child = table[name]
        table[name] = new
        self.undo.append(lambda: table.__setitem__(name, old_child))

    def attributes(self, path: str, changes: dict) -> None:
        layer = self.at(path)
        if set(changes) <= set(arguments(layer)):
            self.swap(path, rebuilt(layer, changes, self.real))
            return
        fields = layer.__dict__
        if not set(changes) <= set(fields):
            raise CannotApply(f"{type(layer).__name__} has no {', '.join(sorted(set(changes) - set(fields)))}")
        before = {k: fields[k] for k in changes}
        fields.update(changes)
        self.undo.append(lambda: fields.update(before))

    def made(self, name: str, args: dict) -> torch.nn.Module:
        kind = getattr(torch.nn, name, None)
        if not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)):
            raise CannotApply(f"there is no layer type {name}")
        try:
            with building(self.real):
                return kind(**args)
        except Exception as error:
            raise CannotApply(f"{name} cannot be built: {error}") from None

    def insert(self, edit: dict) -> None:
        old = self.at(edit["before"])
        self.swap(edit["before"], torch.nn.Sequential(self.made(edit["insert"], edit["args"]).train(old.training), old).train(old.training))
        self.inserted.append(edit["before"])
        self.undo.append(self.inserted.pop)

    def replace(self, edit: dict) -> None:
        self.swap(edit["replace"], self.made(edit["with"], edit["args"]).train(self.at(edit["replace"]).training))

    def remove(self, edit: dict) -> None:
        self.at(edit["remove"])
        self.swap(edit["remove"], torch.nn.Identity())

    def parameter(self, edit: dict) -> None:
        holder, _, name = edit["param"].rpartition(".")
        module = self.at(holder)
        table: dict[str, Any] = module._parameters if name in module._parameters else module._buffers  # type: ignore[assignment]
        old = table.get(name)
        if old is None:
            raise CannotApply(f"there is no parameter {edit['param']}")
        new = torch.zeros(edit["shape"], dtype=old.dtype) if self.real else torch.empty(edit["shape"], dtype=old.dtype, device="meta")
        table[name] = torch.nn.Parameter(new, old.requires_grad) if isinstance(old, torch.nn.Parameter) else new
        self.undo.append(lambda: table.__setitem__(name, old))

    def mode(self, edit: dict) -> None:
        flags = [(m, m.training) for m in self.model.modules()]
        for module, _ in flags:
            module.__dict__["training"] = edit["mode"] != "eval"

        def back():
            for module, flag in flags:
                module.__dict__["training"] = flag

        self.undo.append(back)

    def checkpoint(self, edit: dict) -> None:
        """Leave keys out of every state dict the model is asked to load."""
        keys = set(edit["keys"])
        for module in list(self.model.modules()):
            fields = module.__dict__
            loader = type(module).load_state_dict

            def load(state, strict=True, assign=False, module=module, loader=loader):
                kept = {k: v for k, v in state.items() if k not in keys}
                return loader(module, kept, strict=False if len(kept) < len(state) else strict, assign=assign)

            fields["load_state_dict"] = load
            self.undo.append(partial(fields.pop, "load_state_dict", None))

    def code(self, edits: list[dict]) -> None:
        """The corrected lines, compiled into every module whose methods hold them: those of one method together."""
        found = rewrite(self.model.modules(), edits)
        if len({id(e) for *_, held in found for e in held}) < len(edits):
            raise CannotApply("the line is in no method of the model")
        for module, name, method, _ in found:
            fields = module.__dict__
            # a function the module holds goes back where it was; a method of its class shines through again
            back = partial(fields.__setitem__, name, fields[name]) if name in fields else partial(fields.pop, name, None)
            fields[name] = method
            self.undo.append(back)

    # -- inputs --------------------------------------------------------------------------------------------------------

    def input(self, edit: dict) -> None:
        which = edit.get("arg", 0)
        before = list(self.args)
        places = range(len(self.args)) if which == "all" else [which]
        for i in places:
            if not (0 <= i < len(self.args) and isinstance(self.args[i], torch.Tensor)):
                raise CannotApply(f"input {i} is no tensor")
            if which == "all" and edit["input"] == "expand_channels" and self.args[i].dim() == 3:
                continue
            self.args[i] = changed_tensor(edit["input"], edit, self.args[i])
        self.undo.append(lambda: self.args.__setitem__(slice(None), before))

    def target(self, edit: dict) -> None:
        before = list(self.args)
        if not self.args or not isinstance(self.args[-1], torch.Tensor):
            raise CannotApply("the last input is no tensor")
        self.args[-1] = changed_tensor(edit["target"], edit, self.args[-1])
        self.undo.append(lambda: self.args.__setitem__(slice(None), before))

    def batch(self, edit: dict) -> None:
        """Two of everything the batch counts: each input as long as the first along its first axis."""
        before = list(self.args)
        tensors = [a for a in self.args if isinstance(a, torch.Tensor) and a.dim()]
        rows = tensors[0].shape[0] if tensors else 0
        self.args[:] = [torch.cat([a, a]) if isinstance(a, torch.Tensor) and a.dim() and a.shape[0] == rows else a for a in self.args]
        self.undo.append(lambda: self.args.__setitem__(slice(None), before))


KINDS: dict[str, Callable[[Edits, dict], None]] = {
    "insert": Edits.insert, "replace": Edits.replace, "remove": Edits.remove, "param": Edits.parameter, "mode": Edits.mode,
    "state_dict": Edits.checkpoint, "input": Edits.input, "target": Edits.target, "batch": Edits.batch,
}  # fmt: skip


def changed_tensor(op: str, edit: dict, x: torch.Tensor) -> torch.Tensor:
    """An input after the edit named ``op``."""
    make = TENSOR_EDITS.get(op)
    if make is None:
        raise CannotApply(f"there is no edit {op!r} of an input")
    try:
        return make(x, edit)
    except (RuntimeError, IndexError, ValueError, TypeError, KeyError) as error:
        raise CannotApply(f"{op}: {error}") from None


def _resized(x, edit):
    shape = (*x.shape[:-1], edit["length"]) if "length" in edit else (*x.shape[:-2], *edit["hw"])
    return (
        torch.empty(shape, dtype=x.dtype, device=x.device)
        if x.is_meta
        else torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(x.dtype)
    )


def _padded(x, edit):
    shape = list(x.shape)
    shape[edit["dim"]] = edit["to"] - shape[edit["dim"]]
    return torch.cat([x, x.new_zeros(shape)], edit["dim"])


TENSOR_EDITS: dict[str, Callable[[torch.Tensor, dict], torch.Tensor]] = {
    "resize": _resized,
    "unsqueeze": lambda x, e: x.unsqueeze(e["dim"]),
    "squeeze": lambda x, e: x.squeeze(e["dim"]),
    "permute": lambda x, e: x.permute(e["dims"]),
    "reshape": lambda x, e: x.reshape(e["shape"]),
    "expand_channels": lambda x, e: x.expand(e["to"], -1, -1) if x.dim() == 2 else x.expand(*x.shape[:-3], e["to"], -1, -1),
    "grayscale": lambda x, e: x.narrow(-3, 0, 1),
    "pad_length": _padded,
    "truncate": lambda x, e: x.narrow(e["dim"], 0, e["to"]),
    "slice": lambda x, e: x.narrow(e["dim"], 0, e["to"]),
    "repeat_interleave": lambda x, e: (
        x.unsqueeze(e["dim"] + 1)
        .expand(*[-1] * (e["dim"] + 1), e["repeats"], *[-1] * (x.dim() - e["dim"] - 1))
        .flatten(e["dim"], e["dim"] + 1)
    ),
    "index": lambda x, e: x.select(e["dim"], e["index"]),
    "argmax": lambda x, e: x.narrow(e["dim"], 0, 1).squeeze(e["dim"]).long() if x.is_meta else x.argmax(e["dim"]),
    "one_hot": lambda x, e: (
        x.unsqueeze(-1).expand(*x.shape, e["classes"]).float() if x.is_meta else torch.nn.functional.one_hot(x, e["classes"]).float()
    ),
}

__all__ = ["CannotApply", "Edits", "arguments", "changed_tensor"]
