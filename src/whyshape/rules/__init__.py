"""One rule per operator, one family per file. `RULES` by PyTorch's names, `LAYERS` by the names of `torch.nn`.

Every module of this folder is a family; it is loaded when one of its names is asked for (`shelf`).
"""

from whyshape.rules.base import LAYERS, RULES, Call, Made, Rule, Spec, Unexplained, Window, in_our_words, layer, rule, spread

__all__ = ["LAYERS", "RULES", "Call", "Made", "Rule", "Spec", "Unexplained", "Window", "in_our_words", "layer", "rule", "spread"]
