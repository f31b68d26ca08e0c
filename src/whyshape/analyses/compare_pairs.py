"""Which call of one network stands for which of the other, and which differences make no other network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from math import isclose

from whyshape.analyses.compare import Change, Layer

Pair = tuple[Layer | None, Layer | None]
COMPARED = tuple(name for name in Layer._fields if name not in ("path", "type", "idle", "channels", "at", "plain", "numbers", "read"))
CLOSE = 1e-4  # a file keeps float32 numbers


def paired(left: list[Layer], right: list[Layer]) -> list[Pair]:
    """Pairs by path and operator first; inside what is left between two pairs, by the order of operators."""
    key = lambda layer: (layer.path, layer.op)
    pairs: list[Pair] = []
    for tag, i, j, k, m in SequenceMatcher(None, [key(x) for x in left], [key(x) for x in right], autojunk=False).get_opcodes():
        pairs += list(zip(left[i:j], right[k:m])) if tag == "equal" else _by_structure(left[i:j], right[k:m])
    return pairs


def _by_structure(left: list[Layer], right: list[Layer]) -> Iterator[Pair]:
    for tag, i, j, k, m in SequenceMatcher(None, [x.op for x in left], [x.op for x in right], autojunk=False).get_opcodes():
        if tag == "equal":
            yield from zip(left[i:j], right[k:m])
        else:
            yield from ((a, None) for a in left[i:j])
            yield from ((None, b) for b in right[k:m])


def change(a: Layer | None, b: Layer | None) -> Change:
    """A pair as a change; of the kind "same" where nothing differs."""
    if a is None or b is None:
        one = a or b
        return Change("idle" if one is not None and one.idle else "added" if a is None else "removed", a, b)
    what = tuple(name for name in COMPARED if getattr(a, name) != getattr(b, name))
    ours, theirs = dict(a.numbers), dict(b.numbers)
    what += tuple(name for name in ours if name in theirs and not isclose(ours[name], theirs[name], rel_tol=CLOSE))
    return Change("changed" if what else "same", a, b, what)


def settled(pairs: list[Pair]) -> list[Change]:
    """Every pair as a change; a norm that became the bias of the product before it is told apart."""
    found: list[Change] = []
    last = [-1, -1]  # where each side's last call stands
    for a, b in pairs:
        new, one = change(a, b), a or b
        at = last[0 if b is None else 1]
        if new.kind in ("added", "removed") and one is not None and one.channels and at >= 0 and found[at].what == ("params",):
            product = found[at]
            bare, full = (product.after, product.before) if new.kind == "added" else (product.before, product.after)
            if bare and full and full.params - bare.params == one.channels and bare.output == one.output:
                found[at] = product._replace(kind="merged")
                new = new._replace(kind="merged")
        last = [len(found) if x is not None else n for x, n in zip((a, b), last)]
        found.append(new)
    return found


def spelled(changes: list[Change]) -> list[Change]:
    """Runs of differences between two calls that are alike: the same where both sides are made of the same plain operators and weights."""
    found: list[Change] = []
    start = 0
    for i in range(len(changes) + 1):
        if i < len(changes) and changes[i].kind != "same":
            continue
        run = changes[start:i]
        found += [c._replace(kind="spelled") if c.kind not in ("idle", "merged") else c for c in run] if _alike(run) else run
        found += changes[i : i + 1]
        start = i + 1
    return found


def _alike(run: list[Change]) -> bool:
    counted = [c for c in run if c.kind not in ("idle", "merged")]
    if any(c.before and c.after and (c.before.plain or c.after.plain) for c in counted):
        return False  # a call that both have, and that is another: no way of writing
    left, right = [c.before for c in counted if c.before], [c.after for c in counted if c.after]
    plain = [Counter(word for layer in side for word in layer.plain) for side in (left, right)]
    may = [words.pop("turn?", 0) for words in plain]
    turns = [words.pop("turn", 0) for words in plain]
    if turns[0] > turns[1] + may[1] or turns[1] > turns[0] + may[0]:
        return False
    params, macs = ([sum(getattr(layer, word) or 0 for layer in side) for side in (left, right)] for word in ("params", "macs"))
    ends = [side[-1].output if side else None for side in (left, right)]
    return bool(counted) and plain[0] == plain[1] and params[0] == params[1] and macs[0] == macs[1] and (None in ends or _size(*ends))


def _size(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether two results hold as many numbers, however they lie."""
    from whyshape.sizes import product

    return product(a) == product(b)


__all__ = ["Pair", "change", "paired", "settled", "spelled"]
