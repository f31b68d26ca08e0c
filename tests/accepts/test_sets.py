"""Sets of sizes, staircases and normal forms against plain enumeration."""

import random

import pytest

from whyshape.sizes import ceil_div, largest, leaf, smallest
from whyshape.sizes.algebra import Algebra
from whyshape.sizes.blocks import Block, subtract, tidy
from whyshape.sizes.conditions import everywhere, within
from whyshape.sizes.expr import RELATIONS
from whyshape.sizes.maps import Stairs, Step, TooLong
from whyshape.sizes.sets import ANY, NOTHING, Numbers, words
from whyshape.sizes.simplify import Simplifier

SIZES = range(1, 240)


def a_set(chance):
    modulus = chance.choice([1, 1, 2, 3, 4, 6, 8, 12])
    starts = [1, *sorted(chance.sample(range(2, 60), chance.randint(0, 4)))]
    return Numbers(modulus, [(start, chance.getrandbits(modulus)) for start in starts])


@pytest.mark.parametrize("seed", range(200))
def test_sets_are_sets(seed):
    """Union, intersection, difference, complement, order, first, last, nearest, length and runs are those of the members."""
    chance = random.Random(seed)
    a, b = a_set(chance), a_set(chance)
    of = lambda numbers: {n for n in SIZES if n in numbers}
    assert of(a & b) == of(a) & of(b)
    assert of(a | b) == of(a) | of(b)
    assert of(a - b) == of(a) - of(b)
    assert of(~a) == set(SIZES) - of(a)
    assert (a == b) == (of(a) == of(b))
    assert (a <= b) == (of(a) <= of(b))
    for n in (1, 17, 55, 120):
        assert a.first(n) == min((m for m in of(a) if m >= n), default=None)
        assert a.last(n) == max((m for m in of(a) if m <= n), default=None)
        if not a.empty:
            assert abs(a.nearest(n) - n) == min(abs(m - n) for m in of(a))
    if not a.endless:
        assert len(a) == len(of(a)) and set(a) == of(a) and a.last() == max(of(a), default=None)
        assert [n for run in a.runs() for n in range(run.low, run.high + 1)] == sorted(of(a))


@pytest.mark.parametrize("seed", range(100))
def test_a_set_and_its_data_say_the_same(seed):
    """`to_dict` holds the whole set."""
    numbers = a_set(random.Random(seed))
    data = numbers.to_dict()
    again = {n for low, high in data["runs"] for n in range(low, high + 1)}
    if data["from"] is not None:
        again |= {n for n in SIZES if n >= data["from"] and n % data["modulus"] in data["remainders"]}
    assert again == {n for n in SIZES if n in numbers}


@pytest.mark.parametrize(
    "numbers, text",
    [
        (Numbers.between(28, 31), "28..31"),
        (Numbers.of([7]), "7"),
        (ANY, "any size"),
        (NOTHING, "none"),
        (Numbers.between(16), "at least 16"),
        (Numbers.residues([0], 32), "multiples of 32"),
        (Numbers.residues([0], 32) & Numbers.between(33), "multiples of 32, at least 64"),
        (Numbers.residues([0, *range(17, 32)], 32), "any size from 17 up whose remainder mod 32 is 0 or at least 17"),
        (Numbers.residues([1], 2), "any size whose remainder mod 2 is 1"),
        (Numbers.of([3, 4, 5, 9]) | Numbers.between(12), "3..5, 9 or at least 12"),
        (Numbers.of(range(1, 40, 2)), "1, 3, 5, 7, 9, 11, 13 or 13 more sizes up to 39"),
        (Numbers.residues(range(0, 40, 2), 41), "any size from 2 up whose remainder mod 41 is one of 20 (0, 2, 4, ...)"),
    ],
)
def test_words(numbers, text):
    """What is printed."""
    assert words(numbers) == text


def test_millions_of_runs():
    """A long stretch is not written down number by number: in words it is counted, as data told by its remainders."""
    long = (Numbers.residues([0], 3) & Numbers.between(100, 3_000_000)) | Numbers.of([7])
    assert words(long) == "7, 102, 105, 108, 111, 114, 117 or 999961 more sizes up to 3000000" and len(long) == 999_968
    assert long.to_dict() == {
        "runs": [[7, 7]],
        "stretches": [{"from": 102, "to": 3_000_000, "modulus": 3, "remainders": [0]}],
        "from": None,
    }


def test_no_length_without_end():
    """An endless set has no length."""
    with pytest.raises(OverflowError, match=r"^this set of sizes has no end$"):
        len(ANY)


def a_map(chance, depth):
    """A staircase and the same as a function."""
    if depth == 0:
        return Stairs.identity(), lambda n: n
    f, g = a_map(chance, depth - 1)
    c = chance.randint(1, 5)
    kind = chance.randrange(10)
    if kind < 6:
        return [
            (f + c, lambda n: g(n) + c),
            (f + -3 * c, lambda n: g(n) - 3 * c),
            (f * c, lambda n: g(n) * c),
            (f.over(c), lambda n: g(n) // c),
            (f.ceil_over(c), lambda n: -(-g(n) // c)),
            (f.mod(c + 1), lambda n: g(n) % (c + 1)),
        ][kind]
    f2, g2 = a_map(chance, depth - 1)
    return [
        (f + f2, lambda n: g(n) + g2(n)),
        (f - f2, lambda n: g(n) - g2(n)),
        (f.smallest(f2), lambda n: min(g(n), g2(n))),
        (f.largest(f2), lambda n: max(g(n), g2(n))),
    ][kind - 6]


@pytest.mark.parametrize("seed", range(300))
def test_staircases_are_the_functions(seed):
    """Values, level sets and closed forms of random staircases, far beyond where they begin to repeat."""
    chance = random.Random(seed)
    f, g = a_map(chance, chance.randint(1, 5))
    values = [g(n) for n in SIZES]
    assert [f(n) for n in SIZES] == values and f(10**6 + 7) == g(10**6 + 7)
    value = chance.choice(values) + chance.choice([0, 0, 1])
    for relation, holds in RELATIONS.items():
        assert [n for n in SIZES if n in f.compare(relation, value)] == [n for n, v in zip(SIZES, values) if holds(v, value)], relation
    step = f.step()
    if step is not None:
        assert [step(n) for n in SIZES] == values
        assert [n for n in SIZES if n in step.reaching(value)] == [n for n, v in zip(SIZES, values) if v == value]


def test_equal_functions_have_equal_keys():
    """The representation is the shortest: two ways to the same function meet."""
    n = Stairs.identity()
    assert ((n + -4).over(2) + -4).over(2) == (n + -12).over(4)
    assert n.over(2) + n.ceil_over(2) == n
    assert n.smallest(n + 3) == n
    assert (n.over(6) * 6 + n.mod(6)) == n


def test_towers_are_one_step():
    """Steps compose where floors nest, and say so where they do not."""
    assert Step(1, 0, 2).then(Step(1, -4)).then(Step(1, 0, 3)) == Step(1, -8, 6)
    assert Step(1, 0, 2).then(Step(2)) is None


def test_a_table_has_an_end():
    """A function that settles after a million sizes is not tabulated."""
    with pytest.raises(TooLong):
        Stairs.identity().largest(Stairs.constant(10**6))


H, W, N = (leaf(n, letter, "input", ("free", letter)) for n, letter in ((28, "H"), (36, "W"), (2, "N")))


def a_size(chance, depth, letters):
    """A random size over the letters, and the same as a function of a dict."""
    if depth == 0 or chance.random() < 0.1:
        size = chance.choice(letters)
        return size, lambda at, letter=size.leaf.name: at[letter]
    a, f = a_size(chance, depth - 1, letters)
    b, g = a_size(chance, depth - 1, letters)
    c = chance.randint(2, 6)
    return chance.choice(
        [
            (a + b, lambda at: f(at) + g(at)),
            (a - b, lambda at: f(at) - g(at)),
            (a * c, lambda at: f(at) * c),
            (a * b, lambda at: f(at) * g(at)),
            (a // c, lambda at: f(at) // c),
            (a % c, lambda at: f(at) % c),
            (ceil_div(a, c), lambda at: -(-f(at) // c)),
            (smallest(a, b), lambda at: min(f(at), g(at))),
            (largest(a, b - 5), lambda at: max(f(at), g(at) - 5)),
            (a - c, lambda at: f(at) - c),
        ]
    )


@pytest.mark.parametrize("seed", range(250))
def test_conditions_are_taken_apart_exactly(seed):
    """The blocks of a random condition on two axes hold exactly its solutions; so does what `subtract` leaves."""
    chance = random.Random(seed)
    algebra = Algebra()
    size, f = a_size(chance, 3, [H, W])
    value = f({"H": chance.randint(1, 30), "W": chance.randint(1, 30)})
    relation = chance.choice(list(RELATIONS))
    form = algebra.plus(algebra.normal(size), -value)
    blocks = tidy(within(algebra, everywhere(["H", "W"]), relation, form))
    left = [Block(dict.fromkeys("HW", ANY))]
    for block in blocks:
        left = [part for b in left for part in subtract(b, block)]
    limit = min(algebra.limits.values(), default=10**9)
    for h in [*range(1, 31), 97, 500]:
        for w in [*range(1, 31), 101, 500]:
            at = {"H": h, "W": w}
            assert algebra.value(algebra.normal(size), at) == f(at)
            if max(h, w) <= limit:
                wanted = RELATIONS[relation](f(at), value)
                assert any(b.contains(algebra, at) for b in blocks) == wanted, (at, relation, value)
                assert any(b.contains(algebra, at) for b in left) != wanted, (at, relation, value)


def test_products_of_negative_factors():
    """(H-5)*(W-5) = 6 has solutions below 5 too."""
    algebra = Algebra()
    blocks = within(algebra, everywhere(["H", "W"]), "==", algebra.normal((H - 5) * (W - 5) - 6))
    wanted = {(h, w) for h in range(1, 13) for w in range(1, 13) if (h - 5) * (w - 5) == 6}
    assert {(h, w) for h in range(1, 13) for w in range(1, 13) if any(b.contains(algebra, {"H": h, "W": w}) for b in blocks)} == wanted
    assert (3, 2) in wanted


@pytest.mark.parametrize("seed", range(250))
def test_simplest_is_equal(seed):
    """The closed form has the same value everywhere, and is never longer."""
    chance = random.Random(seed)
    algebra = Algebra()
    simplifier = Simplifier(algebra)
    size, f = a_size(chance, 4, [H, W, N])
    simple = simplifier.simplest(size)
    assert int(simple) == int(size) == f({"H": 28, "W": 36, "N": 2})
    form = algebra.normal(simple)
    for _ in range(60):
        at = {"H": chance.randint(1, 200), "W": chance.randint(1, 200), "N": chance.randint(1, 20)}
        if all(at[letter] <= limit for letter, limit in algebra.limits.items()):
            assert algebra.value(form, at) == f(at), at


@pytest.mark.parametrize(
    "size, text",
    [
        ((((H - 5 + 1) // 2 - 5 + 1) // 2) * (((W - 4) // 2 - 4) // 2) * 20, "20*floor((H - 12)/4)*floor((W - 12)/4)"),
        (H // 2 + ceil_div(H, 2), "H"),
        ((2 * (H // 2)) // 2 * 2, "2*floor(H/2)"),
        (smallest(ceil_div(H - 3, 2) + 1, (H - 1) // 2 + 1), "floor(H/2)"),
        (N * H * W // N - W * H + 7, "7"),
        ((H + W) * 2 - H, "H + 2*W"),
        ((H * W * 6 + W) // 3, "2*H*W + floor(W/3)"),
        (-H + 5, "5 - H"),
        (H % 4, "H mod 4"),
    ],
)
def test_closed_forms(size, text):
    """What is printed for a size over free axes."""
    simple = Simplifier(Algebra()).simplest(size)
    assert (simple.formula.names() if hasattr(simple, "formula") else str(simple)) == text


def test_a_tower_of_ten_thousand():
    """Expressions far deeper than Python's recursion."""
    size = H
    for _ in range(10_000):
        size = (size + 2 - 3) // 1 + 1
    assert Simplifier(Algebra()).simplest(size).formula.names() == "H"


@pytest.mark.parametrize(
    "net, said",
    [
        ("Conv2d(3, 8, 3) > Flatten > Linear(7200, 10)",
         "H x W: 32 x 32; or 3 x 902, 4 x 452, 5 x 302, 6 x 227, 7 x 182, 8 x 152, 11 x 102, either way round; and 6 more"),
        ("Flatten > Linear(2520, 10)",
         "H x W: 1 x 840, 2 x 420, 3 x 280, 4 x 210, 5 x 168, 6 x 140, 7 x 120, 8 x 105, either way round; and 8 more"),
        ("MaxPool2d((1, 2)) > Flatten > Linear(30, 1)", "H 1, W 20..21; or H 2, W 10..11; or H 5, W 4..5; or H 10, W 2..3"),
    ],
)  # fmt: skip
def test_a_set_that_ends_is_told_by_its_members(net, said):
    """Pairs of single sizes: the square first, then those that go both ways, and how many more; blocks stand in that order, none is left out."""
    from whyshape.analyses.accepts import accepts
    from whyshape.readers.again import again

    found = accepts(again(net, [(1, 3, "H", "W")]), (1, 3, "H", "W"))
    assert str(found).splitlines()[0] == said
    first = found.blocks[0].axes
    assert not said.startswith("H x W: 32") or (32 in first["H"] and 32 in first["W"])
    kernel, area = {"C": (3, 900), "F": (1, 840)}.get(net[0], (0, 0))
    if area:
        cells = {(a + kernel - 1, area // a + kernel - 1) for a in range(1, area + 1) if area % a == 0}
        assert {tuple(at.values()) for at in found} == cells
