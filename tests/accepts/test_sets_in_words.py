"""What a set says of itself: an answer that is not complete never sounds like one, and a lone axis has its name."""

import pytest
from torch import nn

import whyshape
from whyshape.sizes.algebra import Algebra
from whyshape.sizes.blocks import Block
from whyshape.sizes.sets import ANY, Numbers
from whyshape.sizes.sizeset import SizeSet


def test_nothing_found_is_not_nothing_fits():
    """While sizes are unsettled an empty set has found none yet; once all are settled, none fits."""
    found = SizeSet(("L",), [], Algebra())
    assert str(found) == "no size fits\nproved"
    found.excluded = "0 (Linear) refuses every size"
    assert str(found) == "no size fits: 0 (Linear) refuses every size\nproved"
    found.unsettled = [Block({"L": Numbers.between(5, 9)})]
    assert str(found) == found.to_dict()["text"] == "none found yet\nnot settled: L 5..9\nthe rest is proved"


@pytest.mark.parametrize("letter, text", [("H", "any size"), ("W", "any size"), ("L", "any L"), ("N", "any N"), ("T", "any T")])
def test_a_lone_axis_by_name(letter, text):
    """Of a picture's size nobody asks which; of a length or a batch one would."""
    assert SizeSet((letter,), [Block({letter: ANY})], Algebra()).told() == text
    assert SizeSet((letter, "D"), [Block({letter: ANY, "D": ANY})], Algebra()).told() == "any size"


def test_of_models():
    """A batch and a length alone."""
    assert str(whyshape.accepts(nn.Linear(4, 2), ("N", 4))).startswith("any N\nproved")
    assert str(whyshape.accepts(nn.ReLU(), (2, "L", 4))).startswith("any L\nproved")
    assert str(whyshape.accepts(nn.Conv2d(1, 1, 1), (1, 1, "H", 8))).startswith("any size\nproved")
