"""PyTorch's Python-written functions, opened: the same code, but its first question ("does anybody override me?") is answered no.

`F.multi_head_attention_forward` and its kind hand themselves over whole to a `TorchFunctionMode`. Where no rule answers for the whole,
the calls inside are followed instead: the function's own code is run with those checks answered "no".
"""

from __future__ import annotations

import types
from collections.abc import Callable

CHECKS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")


def opened(func) -> Callable | None:
    """The function without its override check, or None if it is not written in Python that way."""
    code = getattr(func, "__code__", None)
    if code is None or not any(name in code.co_names for name in CHECKS):
        return None
    scope, no = dict(func.__globals__), lambda *args: False
    scope.update({name: no for name in CHECKS if name in scope})
    body = types.FunctionType(code, scope, func.__name__, func.__defaults__, func.__closure__)
    body.__kwdefaults__ = func.__kwdefaults__
    return body
