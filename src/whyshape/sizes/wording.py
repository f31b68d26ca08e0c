"""Sentences whose nouns and verbs follow their numbers: ``{wanted:channels are}`` is "3 channels are", and "1 channel is"."""

from __future__ import annotations

import re
from string import Formatter

# What is one of these; any other word ending in s loses it.
ONE = {
    "are": "is", "were": "was", "have": "has", "do": "does", "arrive": "arrives", "meet": "meets", "come": "comes", "name": "names",
    "axes": "axis", "matrices": "matrix", "boxes": "box", "frequencies": "frequency", "queries": "query",
}  # fmt: skip
_COUNTED = re.compile(r"\{(\w+):([^{}]+)\}")


def one(words: str) -> str:
    """The words as they follow the number 1.

    >>> one("class numbers are"), one("axes arrive")
    ('class number is', 'axis arrives')
    """
    return " ".join([ONE.get(w) or (w[:-1] if w[-1] == "s" and w[-2:] != "ss" else w) for w in words.split()])


class _Wording(Formatter):
    def format_field(self, value, words):
        if not words:
            return str(value)
        return f"{value} {one(words) if type(value) is int and value == 1 else words}"


def worded(sentence: str, numbers: dict) -> str:
    """The sentence with its numbers put in.

    >>> worded("{wanted:channels are} wanted, {arrived:arrive}", {"wanted": 1, "arrived": 3})
    '1 channel is wanted, 3 arrive'
    """
    return _Wording().vformat(sentence, (), numbers)


def unworded(sentence: str) -> str:
    """The sentence before its numbers are known, for one that differs from size to size.

    >>> unworded("{wanted:channels are} wanted, {arrived:arrive}")
    '... channels are wanted, ... arrive'
    """
    return re.sub(r"\{\w+[^{}]*\}", "...", many(sentence))


def both(sentence: str) -> str:
    """The sentence with the words for many and for one, for a page that puts the numbers in itself.

    >>> both("{wanted:axes are} wanted")
    '{wanted:axes are|axis is} wanted'
    """
    return _COUNTED.sub(lambda found: f"{{{found[1]}:{found[2]}|{one(found[2])}}}", sentence)


def many(sentence: str) -> str:
    """The sentence with the words for many.

    >>> many("{wanted:axes are} wanted")
    '{wanted} axes are wanted'
    """
    return _COUNTED.sub(r"{\1} \2", sentence)
