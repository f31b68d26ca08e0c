"""What a rule is, and where rules are found.

A rule is a class in its family's file. Its `shape` has the signature of the PyTorch function it stands for,
word for word, and reads of a tensor only ``.shape`` and ``.dtype``: a torch tensor, or any stand-in, will do.
It returns

* a ``tuple`` of sizes: one tensor, with the first tensor's dtype;
* `Made(shape, dtype)`: one tensor whose dtype is said;
* a ``list`` of those: several tensors (nested lists where PyTorch nests tuples, ``None`` where it gives none);

and refuses with `need`, whose sentence carries its numbers. Where sizes alone do not decide it raises `Unexplained`,
and the call is measured: never a guess. Every other question (`macs`, `reach`, ...) is a method
that gets one `Call`: the arguments by their names, and ``out``, the results.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from whyshape.rules.shelf import Answers, Shelf
from whyshape.sizes import Size, broadcast, need, product


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

    ``stride`` s > 0: output cell j looks at the input cells ``j*s - before + t*dilation``, 0 <= t < size, that exist.
    ``-s`` stands for a stride of 1/s, transposed convolution and upsampling: j looks at the i with ``i*s - before + t*dilation == j``.
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
        self.rule, self.out, self.op = rule, out, op


class Rule:
    """One operator. Subclasses say what it makes and needs (`shape`); all else has an honest default."""

    names: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[dict[str, tuple[str, ...]]] = {}  # parameter -> what its axes are called when somebody chose them
    view: ClassVar[bool] = False  # the result shares the input's memory: its strides are PyTorch's business
    unmoved: ClassVar[bool] = False  # it is refused where its input's numbers do not lie for it: nothing is copied
    pointwise: ClassVar[bool] = False  # every output cell depends on the same cell of its inputs
    whole: ClassVar[bool] = False  # every output cell depends on the whole input (attention, global pooling, fft)
    told_sizes: ClassVar[bool] = False  # the arguments after the tensor are the sizes of the result, -1 for one that is left open
    inputs_first: ClassVar[tuple[str, ...]] = ()  # matrices read with a row for each input; where nothing is said, a row is an output
    title: ClassVar[str] = ""  # in words, for the reader

    @staticmethod
    def shape(*args, **kwargs):
        """The sizes this operator makes of its arguments."""
        raise NotImplementedError  # a rule without a shape is not a rule: `rule` refuses to register it

    @classmethod
    def bind(cls, args, kwargs) -> dict[str, Any]:
        """The arguments by name, defaults filled in, as Python itself would bind them (`inspect` costs more than all rules)."""
        code, defaults = cls.shape.__code__, cls.shape.__defaults__ or ()
        names = cls.words()
        bound = dict(zip(names[len(names) - len(defaults) :], defaults))
        bound.update(cls.shape.__kwdefaults__ or {})
        bound.update(zip(names, args))
        if code.co_flags & 0x04:  # *rest
            bound[code.co_varnames[code.co_argcount + code.co_kwonlyargcount]] = tuple(args[len(names) :])
        bound.update(kwargs)
        return bound

    @classmethod
    def words(cls, given: int = 0) -> tuple[str, ...]:
        """The names of the positional arguments, as many as are ``given`` where any number may be."""
        code = cls.shape.__code__
        names = code.co_varnames[: code.co_argcount]
        if code.co_flags & 0x04 and given > len(names):  # *rest
            names += (code.co_varnames[code.co_argcount + code.co_kwonlyargcount],) * (given - len(names))
        return names

    @staticmethod
    def macs(call: Call) -> int:
        """Multiply-adds of the forward pass."""
        return 0

    @classmethod
    def answer(cls, question: str, call: Call) -> Any:
        """What is told about ``call.op`` under that question with `told`; `NOT_TOLD` where nothing is."""
        found = TOLD[question].get(call.op, NOT_TOLD)
        return found(call) if callable(found) else found

    @classmethod
    def factors(cls, call: Call) -> tuple:
        """The tensors multiplied with one another: in the backward pass the gradient of each costs the same `macs` again."""
        told = cls.answer("factors", call)
        return () if told is NOT_TOLD else told

    @classmethod
    def backward(cls, call: Call) -> int | None:
        """Multiply-adds of the backward pass: as told, or for those of the `factors` that want a gradient. None: unknown."""
        told = cls.answer("backward", call)
        if told is not NOT_TOLD:
            return told
        factors = cls.factors(call)
        if not factors:
            return None if int(cls.macs(call)) else 0
        wanted = sum(1 for t in factors if t.needs_grad)
        return wanted * cls.macs(call) if wanted else 0

    @classmethod
    def work(cls, call: Call) -> int | None:
        """Elementary operations besides the multiply-adds: additions, comparisons, exponentials, one each. None: unknown."""
        told = cls.answer("work", call)
        if told is not NOT_TOLD:
            return told
        return 0 if cls.view else product(call.out.shape) if cls.pointwise else None

    @classmethod
    def fvcore(cls, call: Call) -> int:
        """What the convention of fvcore counts: mostly the multiply-adds; norms and resizing are counted too."""
        told = cls.answer("fvcore", call)
        return cls.macs(call) if told is NOT_TOLD else told

    @classmethod
    def saved(cls, call: Call) -> list | None:
        """The tensors autograd keeps for backward: out of ``call``, or `Spec`s of what is made on the way. None: unknown.

        The tensors of ``call`` also say ``needs_grad`` and ``contiguous``.
        """
        told = cls.answer("saved", call)
        return told if told is not NOT_TOLD else [] if cls.view else None

    @staticmethod
    def reach(call: Call) -> dict[int, Window] | None:
        """For each axis of the output (counted from the end, negative) that slides: its `Window` over the input. None: unknown."""
        return {}

    @staticmethod
    def padded(call: Call) -> str:
        """What a cell that padding adds counts as: ``0``, ``-inf``, ``not counted``. Empty: unknown, or there are none."""
        return ""


RULES = Shelf("rules")  # by operator
LAYERS = Shelf("layers")  # by layer type
TOLD = Answers()  # by question, then by operator
QUESTIONS = (
    "factors", "backward", "work", "fvcore", "saved", "by_result", "history", "itself", "moves", "nouns", "maps", "note", "autocast", "spelled",
    "twin", "renamed", "lookalike", "lays", "written", "batch",
)  # fmt: skip
TELLERS: dict[str, set[str]] = {}  # which files tell something under a question
NOT_TOLD = object()


def told(question: str, answer: Any, *names: str) -> None:
    """Answer a question for these operators, where one rule serves many: ``answer`` is the answer, or a function of the `Call`.

    ``names`` are operators, one by one or several in a string.
    """
    if question not in QUESTIONS:
        raise TypeError(f"{question!r} is no question; there are {', '.join(QUESTIONS)}")
    TELLERS.setdefault(question, set()).add(sys._getframe(1).f_globals["__name__"].rpartition(".")[2])
    for name in " ".join(names).split():
        TOLD.here(question)[name] = answer


def rule(*names: str):
    """Register a rule under the PyTorch function names it answers for.

    A bare name stands for that name in every namespace where PyTorch has it (`torch.x`, `torch.Tensor.x`,
    `torch.nn.functional.x`, and the in-place `x_`); ``Tensor.view`` stands for that one alone. One string may hold several.
    """

    from whyshape.rules.takes import asking  # built on this file

    def register(cls: type[Rule]) -> type[Rule]:
        if cls.shape is Rule.shape:
            raise TypeError(f"{cls.__name__} says no shape")
        cls.names = tuple(" ".join(names).split())
        for name in cls.names:
            if RULES.holds(name):
                raise TypeError(f"{name} has two rules: {RULES[name].__name__} and {cls.__name__}")
            RULES[name] = asking(name, cls)
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
    need(False, "{name} has {arrived:numbers}, {wanted:are} wanted: one for each axis", name=name, arrived=len(value), wanted=n)
    return ()


def axes_at_least(least: int, shape) -> None:
    """Demand that a tensor has ``least`` axes or more."""
    if least == 1:
        need(len(shape) > 0, "at least one axis is wanted, a single number arrives", wanted=1, arrived=0)
    need(len(shape) >= least, "at least {wanted:axes are} wanted, {arrived:arrive}", wanted=least, arrived=len(shape))


def axis_of(dim: int, rank: int) -> int:
    """The axis ``dim`` means in a tensor of ``rank`` axes, counted from the front.

    >>> axis_of(-1, 4)
    3
    """
    if dim.__class__ is int:
        if 0 <= dim < rank:
            return dim
        if -rank <= dim < 0:
            return dim + rank
    if not isinstance(dim, int):
        raise Unexplained("an axis that is not a number")
    low = max(rank, 1)
    need(-low <= dim < low, "axis {arrived} is asked for, the tensor has {wanted:axes}", arrived=int(dim), wanted=rank)
    return int(dim) + low if dim < 0 else int(dim)


def axes_of(dim, rank: int) -> tuple[int, ...]:
    """The axes ``dim`` names, one or several, each at most once; none named means all.

    >>> axes_of((-1, 0), 4), axes_of(None, 2)
    ((3, 0), (0, 1))
    """
    if dim.__class__ is int:
        return (axis_of(dim, rank),)
    if dim is None:
        return tuple(range(rank))
    if isinstance(dim, int):
        return (axis_of(dim, rank),)
    if not isinstance(dim, (tuple, list)):
        raise Unexplained("axes that are not numbers")
    if not dim:
        return tuple(range(rank))
    axes = tuple([axis_of(d, rank) for d in dim])
    if len(set(axes)) != len(axes):
        need(False, "an axis is named twice in {arrived}", arrived=tuple(map(int, dim)))
    return axes


def given(numbers: tuple) -> tuple:
    """``view(2, 3)`` and ``view((2, 3))`` say the same."""
    if len(numbers) == 1 and isinstance(numbers[0], (tuple, list)) and not hasattr(numbers[0], "dtype"):  # a `Spec` is a tuple too
        return tuple(numbers[0])
    return numbers


def leading(args: tuple) -> tuple[tuple, tuple]:
    """The tensors a layer is called with, and its constructor's arguments behind them.

    >>> leading((Spec((2, 3)), 3, 4))
    ((Spec(shape=(2, 3), dtype='float32'),), (3, 4))
    """
    held = lambda a: hasattr(a, "shape") or (isinstance(a, (tuple, list)) and len(a) > 0 and all(hasattr(t, "shape") for t in a))
    n = next((i for i, a in enumerate(args) if not held(a)), len(args))
    return tuple(args[:n]), tuple(args[n:])


def exactly(size: int) -> int:
    """The plain number, where only this one will do: that it is this one is recorded as a branch taken.

    >>> exactly(3)
    3
    """
    if isinstance(size, Size):
        bool(size == int(size))
        return int(size)
    return size


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape of tensors matched cell by cell, last axes aligned, axes of 1 stretched.

    >>> broadcast_shapes((64, 56, 56), (64, 1, 1))
    (64, 56, 56)
    """
    common = shapes[0]
    for other in shapes[1:]:
        common = _matched(common, other)
    return common


def _matched(a, b):
    if a is b:
        return a
    if len(a) < len(b):
        a, b = b, a
    head = len(a) - len(b)
    out = None
    for axis, n in enumerate(b, head):
        m = a[axis]
        if m is n:
            continue
        if m.__class__ is int is n.__class__:
            if m == n or n == 1:
                continue
            size = n if m == 1 else None
        else:
            size = None
        if size is None:
            sentence = f"cannot be matched cell by cell: axis {axis - len(a)} is {{a}} and {{b}}"
            known = m.__class__ is int is n.__class__  # sizes that remember may become others, and the sentence is said of those too
            size = broadcast(m, n, f"{_text(a)} and {_text(b)} {sentence}" if known else f"the two {sentence}")
        if out is None:
            out = list(a)
        out[axis] = size
    return a if out is None else tuple(out)


def stretched(have: int, want: int, sentence: str) -> None:
    """Refuse unless an axis of ``have`` can be stretched to ``want``: it must be 1, or equal.

    >>> stretched(1, 5, "{arrived:places} cannot become {wanted}")
    """
    if have is want:
        return
    if int(have) == 1:
        exactly(have)
        return
    need(have == want, sentence, wanted=want, arrived=have)


# NumPy's words, which PyTorch's own functions take as well.
NUMPY_WORDS = {"axis": "dim", "keepdims": "keepdim", "x": "input", "x1": "input", "a": "input", "x2": "other"}


def in_our_words(kwargs: dict) -> dict:
    """Keyword arguments under PyTorch's names.

    >>> in_our_words({"axis": 1, "keepdims": True})
    {'dim': 1, 'keepdim': True}
    """
    return {NUMPY_WORDS.get(k, k): v for k, v in kwargs.items()}


def _text(shape) -> str:
    return "x".join(str(int(n)) for n in shape) or "a single number"


# The parameters whose numbers enter sizes: a number given here by the user is *chosen* and keeps its name in formulas.
SIZES = frozenset((
    "kernel_size", "stride", "padding", "dilation", "output_padding", "groups", "output_size", "size", "shape", "sizes",
    "scale_factor", "upscale_factor", "downscale_factor", "split_size", "split_size_or_sections", "chunks", "sections", "repeats",
    "reps", "pad", "normalized_shape", "num_groups", "num_classes", "n_fft", "hop_length", "win_length", "start", "end", "step",
    "steps", "length", "unflatten", "diagonal", "offset", "k", "indices",
    "pool_size", "strides", "dilation_rate",  # Keras's words
))  # fmt: skip
