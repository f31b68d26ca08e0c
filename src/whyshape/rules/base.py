"""What a rule is, and where rules are found.

A rule is a class in its family's file. Its `shape` has the signature of the PyTorch function it stands for,
word for word, and reads of a tensor only ``.shape`` and ``.dtype``: a torch tensor, or any stand-in, will do.
It returns

* a ``tuple`` of sizes: one tensor, with the first tensor's dtype;
* `Made(shape, dtype)`: one tensor whose dtype is said;
* a ``list`` of those: several tensors (nested lists where PyTorch nests tuples);

and refuses with `need`, whose sentence carries its numbers. Every other question (`macs`, `reach`, ...) is a method
that gets one `Call`: the arguments by their names, and ``out``, the results.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from whyshape.sizes import need, product


class Unexplained(Exception):
    """A rule cannot tell the sizes of this form of its operator: it is measured instead. Never a guess."""


class Made(NamedTuple):
    """A tensor a rule makes: its sizes and, where it is not that of the first tensor, its dtype (a name like ``int64``)."""

    shape: tuple[int, ...]
    dtype: Any = None


class Spec(NamedTuple):
    """The stand-in for a tensor: all a rule may look at. ``like`` is "parameter", "input", ... as in `graph.Tensor`."""

    shape: tuple[int, ...]
    dtype: Any = "float32"


class Window(NamedTuple):
    """How one output cell looks at one axis: ``size`` cells, ``dilation`` apart, moving by ``stride``, ``before`` cells of padding.

    ``stride`` below one (a fraction 1/s, given as ``-s``) moves slower than its output: transposed convolution and upsampling.
    """

    size: int
    stride: int = 1
    before: int = 0
    dilation: int = 1
    after: int = 0


class Call:
    """One call of an operator, its arguments by name: ``call.stride``, ``call.weight.shape``; ``call.out`` has the results."""

    def __init__(self, rule: type[Rule], args: tuple, kwargs: dict, out: Any = None, op: str = ""):
        self.__dict__.update(rule.bind(args, kwargs))
        self.out, self.op = out, op


class Rule:
    """One operator. Subclasses say what it makes and needs (`shape`); all else has an honest default."""

    names: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[dict[str, tuple[str, ...]]] = {}  # parameter -> what its axes are called when somebody chose them
    view: ClassVar[bool] = False  # the result shares the input's memory: its strides are PyTorch's business
    pointwise: ClassVar[bool] = False  # every output cell depends on the same cell of its inputs
    whole: ClassVar[bool] = False  # every output cell depends on the whole input (attention, global pooling, fft)
    title: ClassVar[str] = ""  # in words, for the reader
    factors: ClassVar[tuple[str, ...]] = ()  # arguments multiplied with one another: the gradient of each costs the same `macs` again
    counts: ClassVar[dict[str, str]] = {}  # what there is one of for each place on a parameter's first axis: weight -> "kernels"
    steps: ClassVar[int | None] = None  # elementary operations for each number that comes out; None: ask `pointwise` and `view`
    keeps: ClassVar[dict[str, tuple[str, ...]]] = {}  # operator name ("" for all others) -> arguments autograd keeps for backward
    cuts: ClassVar[frozenset[str]] = frozenset()  # operator names whose results have no gradient, whatever comes in

    @staticmethod
    def shape(*args, **kwargs):
        """The sizes this operator makes of its arguments."""
        raise NotImplementedError  # a rule without a shape is not a rule: `rule` refuses to register it

    @classmethod
    def bind(cls, args, kwargs) -> dict[str, Any]:
        """The arguments by name, defaults filled in, as Python itself would bind them (`inspect` costs more than all rules)."""
        code, defaults = cls.shape.__code__, cls.shape.__defaults__ or ()
        names = code.co_varnames[: code.co_argcount]
        bound = dict(zip(names[len(names) - len(defaults) :], defaults))
        bound.update(cls.shape.__kwdefaults__ or {})
        bound.update(zip(names, args))
        if code.co_flags & 0x04:  # *rest
            bound[code.co_varnames[code.co_argcount + code.co_kwonlyargcount]] = tuple(args[len(names) :])
        bound.update(kwargs)
        return bound

    @staticmethod
    def macs(call: Call) -> int:
        """Multiply-adds of the forward pass."""
        return 0

    @classmethod
    def work(cls, call: Call) -> int | None:
        """Elementary operations besides the multiply-adds: additions, comparisons, exponentials, one each. None: unknown."""
        steps = cls.steps if cls.steps is not None else 0 if cls.view else 1 if cls.pointwise else None
        return None if steps is None else 0 if steps == 0 else steps * product(_first(call.out).shape)

    @classmethod
    def fvcore(cls, call: Call) -> int:
        """What the convention of fvcore counts: mostly the multiply-adds; norms and resizing are counted too."""
        return cls.macs(call)

    @classmethod
    def saved(cls, call: Call) -> list | None:
        """The tensors autograd keeps for backward, out of ``call`` or, for one made on the way, as `Made`. None: unknown.

        The tensors of ``call`` also say ``needs_grad``, ``leaf`` (a parameter or an input) and ``contiguous``.
        """
        if cls.view:
            return []
        names = cls.keeps.get(call.op, cls.keeps.get(""))
        return None if names is None else [t for n in names if (t := getattr(call, n, None)) is not None]

    @staticmethod
    def reach(call: Call) -> dict[int, Window] | None:
        """For each axis of the output (counted from the end, negative) that slides: its `Window` over the input. None: unknown."""
        return {}


def _first(out):
    """The first result of an operator that may give several."""
    while isinstance(out, list):
        out = out[0]
    return out


RULES: dict[str, type[Rule]] = {}
LAYERS: dict[str, Callable] = {}


def rule(*names: str):
    """Register a rule under the PyTorch function names it answers for.

    A bare name stands for that name in every namespace where PyTorch has it (`torch.x`, `torch.Tensor.x`,
    `torch.nn.functional.x`, and the in-place `x_`); ``Tensor.view`` stands for that one alone.
    """

    def register(cls: type[Rule]) -> type[Rule]:
        if cls.shape is Rule.shape:
            raise TypeError(f"{cls.__name__} says no shape")
        cls.names = names
        for name in names:
            if name in RULES:
                raise TypeError(f"{name} has two rules: {RULES[name].__name__} and {cls.__name__}")
            RULES[name] = cls
        return cls

    return register


def layer(*names: str):
    """Register how a layer of that name, as in ``Conv2d(1, 10, 5)``, calls its operators.

    The function takes ``(net, input, <the constructor's arguments>)``; ``net.parameter(name, shape)`` makes a weight,
    ``net.call(operator, ...)`` applies a rule and gives its tensor. `net.name` is the layer's own type name.
    """

    def register(make: Callable) -> Callable:
        for name in names:
            LAYERS[name] = make
        return make

    return register


def spread(value, n: int, name: str) -> tuple[int, ...]:
    """One number for all of ``n`` axes, or one for each.

    >>> spread(2, 3, "stride"), spread((1, 2), 2, "stride")
    ((2, 2, 2), (1, 2))
    """
    if isinstance(value, int):
        return (value,) * n
    if len(value) == n:
        return tuple(value)
    if len(value) == 1:
        return tuple(value) * n
    need(False, "{name} has {arrived} numbers, {wanted} are wanted: one for each axis", name=name, arrived=len(value), wanted=n)
    return ()


def axis_of(dim: int, rank: int) -> int:
    """The axis ``dim`` means in a tensor of ``rank`` axes, counted from the front.

    >>> axis_of(-1, 4)
    3
    """
    low = max(rank, 1)
    need(-low <= dim < low, "axis {arrived} is asked for, the tensor has {wanted} axes", arrived=int(dim), wanted=rank)
    return int(dim) + low if dim < 0 else int(dim)


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape of tensors matched cell by cell, last axes aligned, axes of 1 stretched.

    >>> broadcast_shapes((64, 56, 56), (64, 1, 1))
    (64, 56, 56)
    """
    from whyshape.sizes import broadcast

    longest = max(shapes, key=len)
    for other in shapes:
        if other is longest or other == longest:
            continue
        head = len(longest) - len(other)
        longest = longest[:head] + tuple(
            broadcast(
                a, b, f"{_text(longest)} and {_text(other)} cannot be matched cell by cell: axis {axis - len(longest)} is {{a}} and {{b}}"
            )
            for axis, (a, b) in enumerate(zip(longest[head:], other), head)
        )
    return longest


def _text(shape) -> str:
    return "x".join(str(int(n)) for n in shape) or "a single number"


# The parameters whose numbers enter sizes: a number given here by the user is *chosen* and keeps its name in formulas.
SIZES = frozenset(
    "kernel_size stride padding dilation output_padding groups output_size size shape sizes scale_factor upscale_factor "
    "downscale_factor split_size split_size_or_sections chunks sections repeats reps pad normalized_shape num_groups "
    "num_classes n_fft hop_length win_length start end step steps length unflatten diagonal offset k indices".split()
)
