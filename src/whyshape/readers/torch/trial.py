"""A patient: a copy of a model with its inputs, on which changes are tried, each followed to its end and taken back."""

from __future__ import annotations

import copy
import warnings
from contextlib import suppress
from functools import cached_property
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch.nn.parameter import UninitializedTensorMixin

from whyshape.errors import ModelError, WhyshapeError
from whyshape.graph import Graph, Problem
from whyshape.readers.torch.edit import CannotApply, Edits, arguments
from whyshape.readers.torch.follow import Followed, follow
from whyshape.readers.torch.forward import in_mode, materialized, meta_copy, named, stand_ins, waiting
from whyshape.readers.torch.freeze import flat, freeze
from whyshape.readers.torch.real import made_real, real_copy
from whyshape.readers.torch.stopped import line_of, stopped_by
from whyshape.readers.torch.tracer import NeedsValues, Stop
from whyshape.readers.torch.untouched import untouched, walk
from whyshape.readers.torch.values import of_arrays

Known = WeakKeyDictionary[torch.nn.Module, dict[str, tuple[int, ...]]]  # a module's own parameters and buffers
STARTING = 30  # what a run costs before its first operator, in operators


class Trial:
    """One run of the copy: how far it came, what stopped it, what came out."""

    def __init__(self, run: Followed, inputs, modes, said=""):
        self.followed, self.inputs, self.modes = run, inputs, modes
        self.modules, self.tracer, self.result, self.failure = run.modules, run.tracer, run.result, run.failure
        self.said = said  # what is wrong with the inputs themselves, where the run failed
        self.steps = len(run.tracer.calls)
        self.ran = run.ran
        self.known: Known | None = None

    @cached_property
    def graph(self) -> Graph:
        """Everything up to where it stopped, with the problem, whatever kind of exception it was."""
        graph = freeze(self.followed, self.inputs)
        if self.tracer.error is not None:  # a check in Python: its traceback says more than where the module was called
            graph = graph._replace(problem=stopped_by(self.tracer.error, self.modules))
        elif self.failure is not None and graph.problem is None:
            problem = stopped_by(self.failure.__cause__ or self.failure, self.modules)
            graph = graph._replace(problem=problem._replace(sentence=self.said, message=self.said) if self.said else problem)
        if isinstance(self.failure, Stop) and graph.problem is not None:  # the line itself, where PyTorch's own Python stood between
            file, line = line_of(self.failure)
            graph = graph._replace(problem=graph.problem._replace(file=file, line=line))
        return graph

    @property
    def problem(self) -> Problem | None:
        """What stopped it."""
        return self.graph.problem if not self.ran else None

    @property
    def numbers(self) -> int:
        """How many numbers all results together hold."""
        return sum(prod(self.graph.tensors[i].shape) for n in self.graph.nodes for i in n.outputs)

    @cached_property
    def largest_index(self) -> int | None:
        """The largest whole number among what the refused call was given, where there are numbers."""
        given = flat(self.tracer.refused[1].args) if self.tracer.refused else []
        found = [int(t.max()) for t in given if not t.is_meta and t.numel() and not t.dtype.is_floating_point and not t.dtype.is_complex]
        return max(found, default=None)

    @cached_property
    def state(self) -> dict[str, tuple[int, ...]]:
        """The shapes of all parameters and buffers that a checkpoint holds."""
        return state_of(self.modules, self.known)

    @property
    def first_input(self) -> tuple[int, ...]:
        return tuple(self.inputs[0][1].shape) if self.inputs else ()

    @property
    def output(self) -> tuple[int, ...] | None:
        """The shape of the first tensor that came out; None where none did."""
        tensors = flat(self.result)
        return tuple(map(int, tensors[0].shape)) if tensors else None


class Patient:
    """A copy of a model and its inputs."""

    def __init__(self, model, input_size=None, input_data=None, dtypes=None, mode: str = "same", keywords: dict | None = None):
        if not isinstance(model, torch.nn.Module):
            raise WhyshapeError(
                f"a torch.nn.Module is wanted, {type(model).__name__} arrived; give the model itself, not its class or its weights"
            )
        self.original, self.given, self.mode, self.name = model, input_data, mode, type(model).__name__
        self.keywords = keywords or {}  # inputs by name, besides those by place
        args, kwargs = stand_ins(input_size, input_data, dtypes)
        if keywords:
            kwargs = stand_ins(None, keywords, None)[1]
        self.args, self.names = [*args, *kwargs.values()], list(kwargs)
        self.real = False
        self.work = 0  # operators followed so far, and a little for every run
        self.known: Known = WeakKeyDictionary()
        self.model = _quiet(meta_copy, model)

    def use_real_numbers(self) -> None:
        """From now on run on a copy with real numbers: the model reads values."""
        args, kwargs = made_real(*self.call(self.args), self.given)
        if self.keywords:
            kwargs = made_real((), {}, self.keywords)[1]
        self.args, self.model, self.real = [*args, *kwargs.values()], _quiet(real_copy, self.original), True

    def call(self, args) -> tuple[tuple, dict]:
        """The inputs as the model is called: positional ones, and keyword ones."""
        count = len(args) - len(self.names)
        return tuple(args[:count]), dict(zip(self.names, args[count:]))

    @cached_property
    def places(self) -> list[int | None]:
        """For every tensor among the inputs, in the graph's order: which input it is; None where it stands inside one."""
        return [i if isinstance(a, torch.Tensor) else None for i, a in enumerate(self.args) for _ in flat(a)]

    def run(self, edits=()) -> Trial | None:
        """Run the copy with these edits; None where they cannot be made. The copy is afterwards as it was."""
        made = Edits(self.model, self.args, self.real)
        try:
            made.apply(edits)
            modules = _named_as_before(self.learned(walk(made.model), made.args), made.inserted)
            changes_mode = any("mode" in e for e in edits)
            with in_mode(modules, "same" if changes_mode else self.mode), untouched([m for _, m in modules]), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the model warns its user when it runs, not once for every change tried
                modes = {id(m): m.training for _, m in modules}
                run = follow(modules, *self.call(made.args), execute=self.real)
            self.work += len(run.tracer.calls) + STARTING
            if (isinstance(run.failure, NeedsValues) or (run.tracer.doubted and not edits)) and not self.real:
                made.take_back()
                self.use_real_numbers()
                return self.run(edits)
            trial = Trial(run, named(modules[0][1], *self.call(made.args), None), modes, of_arrays(made.args))
            if not any("param" in e for e in edits):
                trial.known = self.known
            else:
                trial.state  # noqa: B018 - asked while the changed parameter is there; layers stay in `modules`, parameters are taken back
            return trial
        except CannotApply:
            return None
        finally:
            made.take_back()

    @cached_property
    def layers(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Every module by its path: its type's name and its constructor arguments."""
        return {path: (type(m).__name__, arguments(m)) for path, m in walk(self.model)}

    @cached_property
    def fields(self) -> dict[str, dict[str, Any]]:
        """Every module's plain attributes by its path: numbers and short tuples of numbers, also those that are no arguments."""
        return {
            path: {k: v for k, v in vars(m).items() if k[0] != "_" and k != "training" and (type(v) is int or _is_numbers(v))}
            for path, m in walk(self.model)
        }

    @cached_property
    def state(self) -> dict[str, tuple[int, ...]]:
        """The shapes of all parameters and buffers that a checkpoint of the unchanged model holds."""
        return state_of(walk(self.model), self.known)

    @cached_property
    def types(self) -> frozenset[str]:
        """The names of the layers PyTorch has."""
        return frozenset(n for n, v in vars(torch.nn).items() if isinstance(v, type) and issubclass(v, torch.nn.Module))

    def learned(self, modules, args):
        """The modules, lazy ones with the sizes they learn from these inputs: on a copy, so that the next trial may teach them others."""
        if not waiting(modules):
            return modules
        args, kwargs = self.call(args)
        if not self.real:
            return walk(materialized(modules, args, kwargs, self.mode)[0])
        taught = copy.deepcopy(modules[0][1])
        with torch.no_grad(), suppress(RuntimeError, ValueError, TypeError, IndexError):  # the trial meets the same refusal, and tells it
            taught(*args, **kwargs)
        return walk(taught)

    def has_numbers(self) -> bool:
        """Whether real inputs were given, so that what depends on values can be run as well."""
        return (
            self.given is not None
            and not any(t.is_meta for t in flat(self.given))
            and not any(t.is_meta for t in self.original.parameters())
        )

    def with_numbers(self) -> Patient:
        """Another patient of the same model, on a copy with real numbers."""
        twin = copy.copy(self)
        twin.__dict__.pop("layers", None)
        twin.__dict__.pop("fields", None)
        twin.use_real_numbers()
        return twin


def state_of(modules, known: Known | None = None) -> dict[str, tuple[int, ...]]:
    """The shapes of the parameters and buffers that a checkpoint holds; those of modules in `known` are not asked again."""
    found = {}
    for path, module in modules:
        own = known.get(module) if known is not None else None
        if own is None:
            own = {
                name: tuple(t.shape)
                for name, t in (*module._parameters.items(), *module._buffers.items())
                if t is not None and name not in module._non_persistent_buffers_set and not isinstance(t, UninitializedTensorMixin)
            }
            if known is not None:
                known[module] = own
        for name, shape in own.items():
            found[f"{path}.{name}" if path else name] = shape
    return found


def _is_numbers(value) -> bool:
    return type(value) in (tuple, list) and 0 < len(value) <= 4 and all(type(n) is int for n in value)


def _quiet(copied, model):
    try:
        return copied(model)
    except Exception as error:
        raise ModelError(f"the model cannot be copied, so no change can be tried: {type(error).__name__}: {error}") from None


def _named_as_before(modules, inserted):
    """The paths users know: behind an inserted layer stands the old one, under its old name."""
    if not inserted:
        return modules
    named = []
    for path, module in modules:
        for at in inserted:
            if path == f"{at}.1" or path.startswith(f"{at}.1."):
                path = at + path[len(at) + 2 :]
            elif path == at or path == f"{at}.0":
                path = f"{at} (inserted)"
        named.append((path, module))
    return named


__all__ = ["Patient", "Trial"]
