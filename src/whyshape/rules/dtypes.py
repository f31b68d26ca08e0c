"""Which dtype comes out when dtypes meet: PyTorch's promotion, by name.

Source: the type promotion rules of PyTorch's "Tensor attributes" page; the tests compare every pair with `torch.promote_types`.
"""

from __future__ import annotations

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


def name_of(dtype) -> str:
    """The bare name of a dtype: ``torch.float32`` is ``float32``.

    >>> name_of("float32")
    'float32'
    """
    return dtype if type(dtype) is str else str(dtype).rpartition(".")[2]


def category(dtype) -> int:
    """0 bool, 1 integer, 2 floating point, 3 complex."""
    return ORDER.get(name_of(dtype), (2, 2))[0]


def promote(a, b):
    """The dtype two tensors of at least one axis meet in.

    >>> promote("int64", "float16"), promote("uint8", "int8"), promote("float16", "bfloat16")
    ('float16', 'int16', 'float32')
    """
    if a is b or a == b:
        return a
    left, right = name_of(a), name_of(b)
    if left == right:
        return a
    (lc, lw), (rc, rw) = ORDER[left], ORDER[right]
    if lc != rc:
        low, high = (left, right) if lc < rc else (right, left)
        if lc == 3 or rc == 3:
            return "complex128" if low == "float64" else high
        return high
    if lw != rw:
        return left if lw > rw else right
    return "int16" if lc == 1 else "float32"


def default_float(dtype):
    """What an integer tensor becomes where the operator makes fractions.

    >>> default_float("int64"), default_float("float16")
    ('float32', 'float16')
    """
    return "float32" if category(dtype) < 2 else dtype
