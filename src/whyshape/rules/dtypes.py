"""Which dtype comes out when dtypes meet: PyTorch's promotion, by name.

Source: the type promotion rules of PyTorch's "Tensor attributes" page; the tests compare every pair with `torch.promote_types`
and `torch.result_type`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import contextmanager

from whyshape.rules.base import Unexplained
from whyshape.sizes import need

ORDER = {
    "bool": (0, 0),
    "uint8": (1, 1), "int8": (1, 1), "int16": (1, 2), "int32": (1, 3), "int64": (1, 4),
    "float16": (2, 1), "bfloat16": (2, 1), "float32": (2, 2), "float64": (2, 3),
    "complex32": (3, 1), "complex64": (3, 2), "complex128": (3, 3),
}  # fmt: skip
BYTES = {
    "bool": 1, "uint8": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8, "float16": 2, "bfloat16": 2, "float32": 4,
    "float64": 8, "complex32": 4, "complex64": 8, "complex128": 16, "float8_e4m3fn": 1, "float8_e5m2": 1,
    "qint8": 1, "quint8": 1, "qint32": 4, "uint16": 2, "uint32": 4, "uint64": 8,
}  # fmt: skip
CATEGORY = {name: rank[0] for name, rank in ORDER.items()} | {"uint16": 1, "uint32": 1, "uint64": 1}
REAL_OF = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}
COMPLEX_OF = {"float16": "complex32", "bfloat16": "complex64", "float32": "complex64", "float64": "complex128"}


class _Default(threading.local):
    name = "float32"


_default = _Default()


def default_dtype() -> str:
    """What a number without a dtype becomes: PyTorch's default dtype, as the reader found it."""
    return _default.name


@contextmanager
def default_is(dtype):
    """Inside, numbers without a dtype become this one.

    >>> with default_is("float64"):
    ...     default_float("int64")
    'float64'
    """
    before, _default.name = _default.name, name_of(dtype)
    try:
        yield
    finally:
        _default.name = before


def name_of(dtype) -> str:
    """The bare name of a dtype: ``torch.float32`` is ``float32``.

    >>> name_of("float32")
    'float32'
    """
    return dtype if type(dtype) is str else _known.get(dtype) or _learn(dtype)


_known: dict = {}  # torch's dtypes by identity: asking their text each time costs more than a rule


def _learn(dtype) -> str:
    name = _known[dtype] = str(dtype).rpartition(".")[2]
    return name


def is_dtype(value) -> bool:
    """Whether an argument names a dtype: ``torch.float32``, or ``float32`` as graphs write it.

    >>> is_dtype("float16"), is_dtype("cpu")
    (True, False)
    """
    if type(value) is str:
        return value in BYTES
    return type(value).__name__ == "dtype"


def category(dtype) -> int:
    """0 bool, 1 integer, 2 floating point, 3 complex.

    >>> category("uint8"), category("bfloat16")
    (1, 2)
    """
    return CATEGORY.get(name_of(dtype), 2)


def promote(a, b):
    """The dtype two tensors of at least one axis meet in.

    >>> promote("int64", "float16"), promote("uint8", "int8"), promote("float16", "bfloat16")
    ('float16', 'int16', 'float32')
    """
    if a is b:
        return a
    left, right = name_of(a), name_of(b)
    if left == right:
        return a
    if left not in ORDER or right not in ORDER:
        return _rare(left, right)
    (lc, lw), (rc, rw) = ORDER[left], ORDER[right]
    if lc != rc:
        low, high = (left, right) if lc < rc else (right, left)
        if lc == 3 or rc == 3:
            return promote(COMPLEX_OF.get(low, high), high)
        return high
    if lw != rw:
        return left if lw > rw else right
    return "int16" if lc == 1 else "float32"


def _rare(left, right):
    """uint16, uint32 and uint64 meet floating point only, float8 nothing."""
    a, b = sorted((left, right), key=lambda n: CATEGORY.get(n, 4))
    if CATEGORY.get(a) == 1 and CATEGORY.get(b) == 2:
        return b
    raise Unexplained(f"{left} and {right} do not meet")


def _below(high, low):
    """``high`` when operands of lesser standing are of ``low``: they raise its category, never its width."""
    if high is None or low is None:
        return high or low
    h, w = category(high), category(low)
    if h == 3:
        return high
    if h == 2:
        return COMPLEX_OF[name_of(high)] if w == 3 else high
    return promote(high, low) if h == 0 or w >= 2 else high


def result_type(tensors, numbers=()):
    """The dtype operands meet in: tensors with axes decide, then those without, then Python numbers.

    >>> from whyshape.rules import Spec
    >>> result_type([Spec((3,), "float16"), Spec((), "float64")], [2])
    'float16'
    """
    axes = single = number = None
    for t in tensors:
        if t.shape:
            axes = t.dtype if axes is None else promote(axes, t.dtype)
        else:
            single = t.dtype if single is None else promote(single, t.dtype)
    for n in numbers:
        kind = of_number(n)
        number = kind if number is None else promote(number, kind)
    return _below(axes, _below(single, number))


def of_number(n) -> str:
    """The dtype a Python number becomes.

    >>> of_number(True), of_number(3), of_number(0.5), of_number(1j)
    ('bool', 'int64', 'float32', 'complex64')
    """
    if isinstance(n, bool):
        return "bool"
    if isinstance(n, int):
        return "int64"
    if isinstance(n, float):
        return default_dtype()
    if isinstance(n, complex):
        return COMPLEX_OF[default_dtype()]
    if hasattr(n, "dtype"):  # a NumPy number counts as a Python number of its kind
        return ("bool", "int64", default_dtype(), COMPLEX_OF[default_dtype()])[category(str(n.dtype))]
    raise Unexplained(f"a number of type {type(n).__name__}")


def default_float(dtype):
    """What an integer tensor becomes where the operator makes fractions.

    >>> default_float("int64"), default_float("float16")
    ('float32', 'float16')
    """
    return default_dtype() if category(dtype) < 2 else dtype


def summed(dtype):
    """What adding up makes: whole numbers are added as int64.

    >>> summed("uint8"), summed("float16")
    ('int64', 'float16')
    """
    return "int64" if category(dtype) < 2 else dtype


_casting: list[Callable[[], bool]] = []


def cast_while(asked: Callable[[], bool]) -> None:
    """While ``asked()`` is true, PyTorch itself casts operands to one dtype (autocast): `one_dtype` then leaves the call open."""
    _casting.append(asked)


def leave_to_autocast() -> None:
    """Leave a call open whose dtypes autocast may change before the operator sees them."""
    if any(asked() for asked in _casting):
        raise Unexplained("autocast decides the dtype")


def one_dtype(*tensors) -> None:
    """Refuse operands of two dtypes where PyTorch multiplies only like with like.

    >>> from whyshape.rules import Spec
    >>> one_dtype(Spec((2, 3), "float32"), Spec((3, 4), "float32"))
    """
    first = name_of(tensors[0].dtype)
    for t in tensors[1:]:
        if name_of(t.dtype) != first:
            leave_to_autocast()
            need(False, "{arrived} numbers meet {wanted} ones, both must have the same dtype", wanted=name_of(t.dtype), arrived=first)


BOOL, WHOLE, FRACTION, COMPLEX = range(4)  # what `category` says
KINDS = ("true and false", "whole numbers", "fractions", "complex numbers")
ASKED = (("a dtype of true and false", "bool"), ("a dtype of whole numbers", "int64"),
         ("a floating point dtype", "float32"), ("a complex dtype", "complex64"))  # fmt: skip


def kinds(dtype, least: int, most: int, what: str) -> None:
    """Refuse numbers of a kind that PyTorch's CPU has no kernel for: below or above the categories it knows.

    >>> kinds("uint8", WHOLE, FRACTION, "a maximum")
    """
    kind = category(dtype)
    if not least <= kind <= most:
        asked, wanted = ASKED[min(max(kind, least), most)]
        need(False, "{what} of {kind} is not defined: {asked} is wanted, {arrived} arrives",
             what=what, kind=KINDS[kind], asked=asked, wanted=wanted, arrived=name_of(dtype))  # fmt: skip


def of_kinds(least: int, most: int, what: str):
    """The `shape` of a rule that keeps shape and dtype, for numbers of these kinds."""

    def shape(input, *args, out=None, **kwargs):
        kinds(input.dtype, least, most, what)
        return input.shape

    return staticmethod(shape)


def fractions(dtype, what: str) -> None:
    """Refuse whole numbers where PyTorch has no kernel for them.

    >>> fractions("float16", "a softmax")
    """
    kinds(dtype, FRACTION, COMPLEX, what)


def real_of(dtype):
    """The dtype of a complex number's parts; any other stays as it is.

    >>> real_of("complex64"), real_of("int64")
    ('float32', 'int64')
    """
    return REAL_OF.get(name_of(dtype), dtype)


def complex_of(dtype):
    """The complex dtype over a real one; whole numbers first become fractions.

    >>> complex_of("float64"), complex_of("int64")
    ('complex128', 'complex64')
    """
    return COMPLEX_OF.get(name_of(default_float(dtype)), dtype)
