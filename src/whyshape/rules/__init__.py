"""One rule per operator, one family per file. `RULES` by PyTorch's names, `LAYERS` by the names of `torch.nn`.

Every module of this folder is a family and is loaded here: a new file needs no list to be added to.
"""

from importlib import import_module
from pkgutil import iter_modules

from whyshape.rules.base import LAYERS, RULES, Call, Made, Rule, Spec, Unexplained, Window, in_our_words, layer, rule, spread

for _family in iter_modules(__path__):
    import_module(f"{__name__}.{_family.name}")

__all__ = ["LAYERS", "RULES", "Call", "Made", "Rule", "Spec", "Unexplained", "Window", "in_our_words", "layer", "rule", "spread"]
