"""The words of a refusal follow its numbers: one channel is wanted, three arrive."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import whyshape
from whyshape.errors import DoesNotFit
from whyshape.sizes import leaf, need
from whyshape.sizes.wording import worded

SAYS = ("need", "stretched", "broadcast")


def sentences():
    """Every sentence that a demand may be refused with, and where it stands."""
    for path in sorted(Path(whyshape.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYS:
                for said in node.args:
                    if isinstance(said, ast.Constant) and isinstance(said.value, str):
                        yield f"{path.name}:{said.lineno}", said.value


def test_no_number_stands_before_a_word_for_many():
    """A sentence with "{wanted} axes are" would say "1 axes are"; it must say "{wanted:axes are}"."""
    told = list(sentences())
    assert len(told) > 250
    one = {"arrives", "becomes", "comes", "cuts", "has", "is", "lies", "names", "takes", "wants", "was"}  # also of a dtype and a name
    many = r"(?<!at least )\{\w+\} (are|arrive|axes|have|meet|were|\w+s)\b"
    bare = [(at, text) for at, text in told if "dtype" not in text and set(re.findall(many, text)) - one]
    assert bare == []


@pytest.mark.parametrize(
    "sentence, numbers, told",
    [
        ("{wanted:channels are} wanted, {arrived:arrive}", {"wanted": 1, "arrived": 1}, "1 channel is wanted, 1 arrives"),
        ("{wanted:channels are} wanted, {arrived:arrive}", {"wanted": 20, "arrived": 0}, "20 channels are wanted, 0 arrive"),
        ("{wanted:axes are} wanted, {arrived:arrive}", {"wanted": "1 or 2", "arrived": 3}, "1 or 2 axes are wanted, 3 arrive"),
        ("{arrived:class numbers} of {name!r}", {"arrived": 1, "name": "a"}, "1 class number of 'a'"),
        ("a tensor of {n:axes} and {k:matrices}", {"n": 1, "k": 1}, "a tensor of 1 axis and 1 matrix"),
    ],
)
def test_words_follow_numbers(sentence, numbers, told):
    """One of a thing is told as one."""
    assert worded(sentence, numbers) == told


def test_a_demand_is_refused_in_its_words():
    """Sizes with a history are told like plain ones."""
    with pytest.raises(DoesNotFit, match=r"^1 channel is wanted, 3 arrive$") as refused:
        need(leaf(3, "C") == 1, "{wanted:channels are} wanted, {arrived:arrive}", wanted=leaf(1, "in_channels"), arrived=3)
    assert refused.value.numbers == {"wanted": 1, "arrived": 3}
