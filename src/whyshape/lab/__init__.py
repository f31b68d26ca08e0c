"""The thread's network with real numbers: data, training, values, feature maps and the page. Needs ``whyshape[lab]``.

Names are loaded at first use, so that ``import whyshape.lab`` costs nothing.
"""

import importlib
from contextlib import contextmanager

from whyshape.errors import WhyshapeError

WHERE = {
    "ThreadNet": "network",
    "Recipe": "recipe",
    "value": "values",
    "Value": "values",
}
__all__ = list(WHERE)


def __getattr__(name: str):
    if name not in WHERE:
        raise AttributeError(f"module 'whyshape.lab' has no attribute {name!r}")
    with needs_extra("lab"):
        return getattr(importlib.import_module(f"whyshape.lab.{WHERE[name]}"), name)


@contextmanager
def needs_extra(extra: str):
    """Say which extra to install when a package is missing."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("whyshape"):
            raise
        raise WhyshapeError(f"{missing.name} is not installed: pip install 'whyshape[{extra}]'") from None
