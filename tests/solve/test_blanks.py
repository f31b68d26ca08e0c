"""Open numbers against every number tried."""

import pytest

from whyshape.analyses.blanks import fill
from whyshape.errors import WhyshapeError
from whyshape.readers.notation import build, parse


def runs(text, shape):
    return build(parse(text), shape).problem is None


@pytest.mark.parametrize(
    "text, shape, said",
    [
        (
            "Conv2d(1, 10, 5) > MaxPool2d(2) > Conv2d(?, 20, 5) > MaxPool2d(2) > Flatten > Linear(?, 50) > Linear(?, 10)",
            (1, 1, 28, 28),
            [
                "Conv2d(1, 10, 5) > MaxPool2d(2) > Conv2d(10, 20, 5) > MaxPool2d(2) > Flatten() > Linear(320, 50) > Linear(50, 10)",
                "2: in_channels = 10: 10 arrive",
                "5: in_features = 320: 20*4*4 arrive",
                "6: in_features = 50: 50 arrive",
            ],
        ),
        (
            "Conv2d(1, 20, 5) > pool: AdaptiveAvgPool2d(?) > Flatten > Linear(320, 50)",
            (1, 1, 28, 28),
            [
                "Conv2d(1, 20, 5) > AdaptiveAvgPool2d(4) > Flatten() > Linear(320, 50)",
                "pool: output_size = 4, the only number that fits: 3 (Linear) wants 20*output_size*output_size = 320",
            ],
        ),
        (
            "Conv2d(1, 20, kernel_size=?)",
            (1, 1, 28, 28),
            ["Conv2d(1, 20, kernel_size=3)", "0: kernel_size = 3, the usual one of those that fit, 1..28"],
        ),
    ],
)
def test_what_is_said(text, shape, said):
    """The network with its numbers, and why each."""
    assert str(fill(parse(text), shape)).splitlines() == said


@pytest.mark.parametrize(
    "text, shape",
    [
        ("Conv2d(1, 4, ?) > MaxPool2d(2) > Flatten > Linear(36, 5)", (1, 1, 11, 11)),
        ("Conv2d(1, 4, 3, stride=?) > Flatten > Linear(36, 5)", (1, 1, 9, 9)),
        ("Conv2d(1, 4, 3, padding=?) > MaxPool2d(3) > Flatten > Linear(36, 5)", (1, 1, 9, 9)),
        ("Conv2d(1, 4, 3, padding=?) > MaxPool2d(3)", (1, 1, 9, 9)),
        ("Conv2d(1, 4, 4, padding=?) > Flatten > Linear(144, 5)", (1, 1, 9, 9)),
        ("Conv2d(1, ?, 3) > PixelShuffle(2) > Conv2d(3, 1, 1)", (1, 1, 9, 9)),
        ("Conv2d(1, 6, 3, dilation=?)", (1, 1, 9, 9)),
        ("Conv2d(4, 6, 3, groups=?)", (1, 4, 9, 9)),
        ("Linear(6, ?) > Unflatten(1, (3, -1)) > Flatten > Linear(9, 1)", (2, 6)),
        ("AdaptiveAvgPool2d(?) > Flatten > Linear(50, 5)", (1, 2, 9, 9)),
    ],
)
def test_every_number_that_fits(text, shape):
    """The set told for a blank is exactly the numbers from 1 to 40 for which the network runs."""
    (blank,) = fill(parse(text), shape).blanks
    wanted = {n for n in range(41) if runs(text.replace("?", str(n)), shape)}
    if blank.name != "padding":  # of these layers' numbers only the padding may sensibly be 0
        wanted -= {0}
    assert {n for n in range(1, 41) if n in blank.numbers} | ({0} if blank.zero else set()) == wanted
    assert blank.value in wanted


def test_two_blanks_together():
    """Each pair of kernels that the set holds runs, and no other."""
    text = "Conv2d(1, 20, ?) > MaxPool2d(?) > Flatten > Linear(320, 50)"
    found = fill(parse(text), (1, 1, 28, 28)).found
    for a in range(1, 30):
        for b in range(1, 30):
            filled = text.replace("?", str(a), 1).replace("?", str(b), 1)
            assert found.contains(**dict(zip(found.letters, (a, b)))) == runs(filled, (1, 1, 28, 28)), (a, b)


@pytest.mark.parametrize(
    "text, said",
    [
        ("Linear(3, 4)", "no number is left open: write ? where one is wanted, as Linear(?, 50)"),
        ("Linear(3, ?)", "no number fits: 0 (Linear) refuses every size: 3 features are wanted on the last axis, 28 arrive"),
    ],
)
def test_what_cannot_be_filled(text, said):
    """One sentence."""
    with pytest.raises(WhyshapeError) as caught:
        fill(parse(text), (1, 1, 28, 28))
    assert str(caught.value) == said
