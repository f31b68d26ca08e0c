"""A constructor that refuses its arguments: the nearest arguments it takes."""

from __future__ import annotations

from collections.abc import Iterator

from whyshape.analyses.diagnose.case import edit
from whyshape.analyses.diagnose.problem import NEW, Finding, Fix, Link
from whyshape.analyses.diagnose.reading import read

SHOWN = 5  # fixes told, and tried on the whole model
TRIES = 160  # constructors called for one argument


def refused(built, error: Exception) -> Finding:
    """The finding for a constructor that raised. Its fixes build the layer; `built` are those the whole model was built with, meta and unseen.

    None is called verified: that word is kept for a model that ran.
    """
    message = str(error)
    fixes, doubt = tried(built, sorted(offers(built), key=lambda f: f.rank)[:SHOWN], error)
    path = fixes[0].edits[0]["layer"] if fixes and fixes[0].built else built.path  # of the model itself, not read off its lines
    where = {"layer": path or None, "type": built.kind.__name__, "file": built.file, "line": built.line, "op": "__init__"}
    known = read(message)
    links = tuple(
        Link(v, "", "chosen", built.path, f"{v} is chosen: {k}") for k, v in built.args.items() if type(v) is int and str(v) in message
    )
    wanted, arrived = (known.wanted, known.arrived) if known else (None, None)
    said = (message.splitlines() or [type(error).__name__])[0]
    return Finding(where, said, wanted, arrived, links, fixes, "shape", message, doubt=doubt)


def tried(built, fixes: list[Fix], error: Exception) -> tuple[tuple[Fix, ...], str]:
    """The fixes with which the whole model is built, first, each naming the layers it changes; and why that could not be tried."""
    from whyshape.readers.torch.edit import CannotApply

    try:
        paths = built.whole(error)
    except CannotApply as reason:
        return tuple(fixes), str(reason)
    sure, rest = [], []
    for fix in fixes:
        attr, value = fix.edits[0]["attr"], fix.edits[0]["value"]
        found = paths(**{attr: value})
        if found is None:
            rest.append(fix)
        else:
            also = f"; so in {len(found)} layers alike: {', '.join(found)}" if len(found) > 1 else ""
            sure.append(fix._replace(edits=tuple(edit(p, attr, value) for p in found), says=fix.says + also, built=True))
    return (*sure, *rest), ""


def offers(built) -> Iterator[Fix]:
    """One argument changed as little as possible, so that the constructor takes it; small numbers (heads, groups) before wide ones."""
    numbers = {k: v for k, v in built.args.items() if type(v) is int and v > 0}
    for name, value in numbers.items():
        for tries, new in enumerate(nearby(value, numbers)):
            if tries > TRIES:
                break
            if built.builds(**{name: new}):
                rank = 1.0 + (value > min(numbers.values())) * 0.5 + abs(new - value) / value * 0.3 + (new == 1) * 0.3
                yield Fix((edit(built.path, name, new),), f"{built.kind.__name__}({name}={new}), not {value}", NEW, False, rank)
                break
    if built.args.get("padding") == "same" and type(built.args.get("kernel_size")) is int:
        new = built.args["kernel_size"] // 2
        if built.builds(padding=new):
            yield Fix(
                (edit(built.path, "padding", new),),
                f"padding={new}: half the kernel, what 'same' means when every second place is left out",
                NEW,
                False,
                0.5,
            )
    if built.args.get("padding_idx") is not None and built.builds(padding_idx=None):
        yield Fix((edit(built.path, "padding_idx", None),), "padding_idx=None: no row stands for padding", NEW, False, 2.5)


def nearby(value: int, numbers: dict[str, int]) -> Iterator[int]:
    """Values from near to far; of those far away only divisors and multiples of the other numbers."""
    others = [n for n in numbers.values() if n != value]
    related = {d for n in others for d in range(1, min(n, 2048) + 1) if n % d == 0} | {
        m for n in others if n for m in (value // n * n, (value // n + 1) * n)
    }
    near = {n for d in range(1, 65) for n in (value + d, value - d)} | {n for n in related if n < 4 * value}
    yield from sorted((n for n in near if n > 0 and n != value), key=lambda n: (abs(n - value), n < value))


__all__ = ["refused"]
