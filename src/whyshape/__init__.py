"""whyshape: ask a neural network where its numbers come from.

>>> import whyshape
>>> print(whyshape.layer("Conv2d(1, 10, 5)", (1, 28, 28)).chain)
1x28x28 -> 10x24x24
"""

from importlib import import_module as _import_module

__version__ = "0.1.0"

# Names are found when they are asked for: `import whyshape` imports no framework, and costs a millisecond.
_DOORS = {
    "explain": "whyshape.api",
    "layer": "whyshape.api",
    "accepts": "whyshape.api",
    "diagnose": "whyshape.api",
    "compare": "whyshape.analyses.compare",
    "annotate": "whyshape.analyses.annotate",
    "translate": "whyshape.analyses.translate",
    "survey": "whyshape.surveys",
    "solve": "whyshape.analyses.solve",
    "Explanation": "whyshape.api",
    "summary": "whyshape.analyses.summary",
    "guard": "whyshape.watch",
    "load_ipython_extension": "whyshape.watch",
    "unload_ipython_extension": "whyshape.watch",
    "WhyshapeError": "whyshape.errors",
    "ModelError": "whyshape.errors",
    "DoesNotFit": "whyshape.errors",
}


def __getattr__(name: str):
    if name in _DOORS:
        return getattr(_import_module(_DOORS[name]), name)
    if name == "lab":  # the thread's network with real numbers; it needs torch
        return _import_module("whyshape.lab")
    raise AttributeError(f"module 'whyshape' has no attribute {name!r}")


def __dir__():
    return sorted([*_DOORS, "__version__", "lab"])
