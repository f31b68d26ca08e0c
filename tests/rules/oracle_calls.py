"""PyTorch as the judge of rules: every call made inside `Judge` runs eagerly on the CPU, and the rule is asked as well."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from whyshape.errors import DoesNotFit
from whyshape.readers.torch.names import Entry, function_table
from whyshape.rules import Made, Unexplained, in_our_words
from whyshape.rules.dtypes import name_of
from whyshape.rules.inplace import put_into

EQUAL, WRONG, REFUSED, ACCEPTED, OPEN = "equal", "wrong", "refused wrongly", "accepted wrongly", "left open"
STUMBLED = "stumbled"  # the rule raised something that is no refusal: a defect, whatever PyTorch says


CHANGES_ITSELF = ("Tensor.__setitem__", "Tensor.copy_")


class Verdict(NamedTuple):
    """What came of one call: the rule's name, one of the words above, and what both said."""

    op: str
    word: str
    rule: object = None
    torch: object = None
    args: str = ""


def results(made, like) -> list:
    """``(shape, dtype name)`` of everything a rule made, in order."""
    if type(made) is list:
        return [r for m in made for r in results(m, like)]
    if made is None:
        return []
    shape, dtype = made if type(made) is Made else (made, None)
    dtype = like.dtype if dtype is None else dtype
    return [(tuple(map(int, shape)), name_of(dtype))]


def tensors(value):
    """The tensors in arguments or results, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from tensors(v)
    elif isinstance(value, dict):
        for v in value.values():
            yield from tensors(v)


def told(entry: Entry, args, kwargs):
    """What the rule says to a call: its results, its refusal, why it leaves the call open, or what it stumbled over."""
    try:
        named = in_our_words(kwargs) if {"axis", "keepdims"} & kwargs.keys() else kwargs
        made = entry.rule.shape(*args, **named)
        if entry.in_place and not entry.rule.view and entry.op not in CHANGES_ITSELF:
            put_into(made, next(tensors((args, kwargs))))
        first = next(tensors((args, kwargs)), torch.empty(0))
        if entry.op in CHANGES_ITSELF or (entry.in_place and not entry.rule.view):
            return [(tuple(first.shape), name_of(first.dtype))]
        return results(made, first)
    except Exception as why:  # whatever it is, the judge has a word for it
        return why


class Judge(TorchFunctionMode):
    """Compares every call that a rule answers for with what PyTorch does, and keeps the verdicts."""

    table: dict = {}

    def __init__(self):
        super().__init__()
        if not self.table:
            self.table.update(function_table())
        self.verdicts: list[Verdict] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        entry = self.table.get(func)
        if entry is None:
            return func(*args, **kwargs)
        said = told(entry, args, kwargs)
        before = f"{_brief(args)} {_brief(kwargs)}"
        if not isinstance(said, (list, DoesNotFit, Unexplained)):
            self.note(entry, STUMBLED, f"{type(said).__name__}: {said}", None, before)
            return func(*args, **kwargs)
        try:
            out = func(*args, **kwargs)
        except Exception as error:
            if isinstance(said, list):
                self.note(entry, ACCEPTED, said, f"{type(error).__name__}: {str(error).splitlines()[0][:150]}", before)
            elif isinstance(said, DoesNotFit):
                self.note(entry, EQUAL)
            raise
        did = args[0] if entry.op == "Tensor.__setitem__" else out
        did = [(tuple(t.shape), name_of(t.dtype)) for t in tensors(did)]
        if isinstance(said, DoesNotFit):
            self.note(entry, REFUSED, said.sentence, did, before)
        elif isinstance(said, list):
            self.note(entry, EQUAL if said == did else WRONG, said, did, before)
        else:
            self.note(entry, OPEN, f"{said}", did, before)
        return out

    def note(self, entry, word, *said):
        self.verdicts.append(Verdict(entry.op, word, *said))


def _brief(value) -> str:
    if isinstance(value, torch.Tensor):
        return f"<{name_of(value.dtype)} {'x'.join(map(str, value.shape))}>"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_brief, value))})"
    if isinstance(value, dict):
        return "".join(f" {k}={_brief(v)}" for k, v in value.items())
    return repr(value)[:40]


def in_a_thread(ask):
    """PyTorch's samples write down the stack they were made on; that of a new thread is short, pytest's costs ten times the test."""

    @wraps(ask)
    def run(*args, **kwargs):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(ask, *args, **kwargs).result()

    return run


def table(verdicts) -> str:
    """How many of each verdict, and what was not equal, one line for each operator."""
    words = Counter(v.word for v in verdicts)
    lines = [", ".join(f"{n} {w}" for w, n in words.most_common())]
    seen = Counter()
    for v in verdicts:
        if v.word != EQUAL:
            seen[v.op, v.word] += 1
            if seen[v.op, v.word] <= 2:
                lines.append(f"{v.word:18} {v.op:28} rule {v.rule}  torch {v.torch}  args {v.args}")
    return "\n".join(lines)
