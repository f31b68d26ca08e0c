"""Windows: pixels none reads, places read more often than others, a row more on one side."""

from __future__ import annotations

from collections.abc import Iterator

from whyshape.analyses.hazards.base import Hazard, Seen, called, hazard

SOME = 0.02  # of the rows: fewer than these, at the edge, nobody misses


@hazard
def unread(seen: Seen) -> Iterator[Hazard]:
    """Rows and columns of a picture that no output depends on, counted one by one."""
    from whyshape.analyses.field import window

    graph = seen.graph
    if graph.problem is not None or not graph.outputs:
        return
    for number, index in enumerate(graph.inputs):
        t = graph.tensors[index]
        if len(t.shape) < 3 or not t.dtype.startswith(("float", "bfloat")):
            continue
        for axis, cells in read_by_all(graph, window, number).items():
            n = t.shape[axis]
            left = sorted(set(range(n)) - cells)
            if left and (len(left) > SOME * n or left[-1] - left[0] + 1 != len(left)):
                yield Hazard(
                    "unread", "warning" if len(left) * 4 > n else "hint",
                    f"{len(left)} of the {n} places along axis {axis} of {t.name or 'the input'} are read by no kernel: {told(left)}",
                    {"layer": None, "type": graph.name, "file": "", "line": 0, "op": ""}, {"axis": axis, "places": left[:64], "of": n},
                    f"another input size, or padding, so that the last window ends on place {n - 1}",
                )  # fmt: skip


def read_by_all(graph, window, number: int) -> dict[int, set[int]]:
    """The places of an input that any output depends on; nothing where that is not known exactly."""
    read: dict[int, set[int]] = {}
    for out in graph.outputs:
        found = window(graph, out, (None,) * len(graph.tensors[out].shape), number)
        for axis, seen in found.items():
            read.setdefault(axis, set()).update(seen.cells)
            if not seen.exact:
                return {}
    return read


def told(places: list[int]) -> str:
    if len(places) == 1:
        return str(places[0])
    if places[-1] - places[0] + 1 == len(places):
        return f"{places[0]} to {places[-1]}"
    return ", ".join(map(str, places[:4])) + (", ..." if len(places) > 4 else "")


@hazard
def checkerboard(seen: Seen) -> Iterator[Hazard]:
    """A transposed convolution whose kernel is no multiple of its stride adds up more often in some places than in others."""
    for node, call in seen.explained():
        if getattr(call, "weight", None) is None or not node.rule.knobs.get("weight"):
            continue
        uneven = {a: w for a, w in (node.rule.reach(call) or {}).items() if w.stride < -1 and w.dilation == 1 and w.size % -w.stride}
        if uneven:
            w = next(iter(uneven.values()))
            yield Hazard(
                "checkerboard", "hint",
                f"{called(node)}: a kernel of {w.size} at stride {-w.stride} covers some places more often than others, which shows as a checkerboard",
                seen.at(node), {"kernel_size": w.size, "stride": -w.stride}, f"a kernel of {w.size + -w.stride - w.size % -w.stride}, or upsampling and then a convolution",
            )  # fmt: skip


@hazard
def lopsided(seen: Seen) -> Iterator[Hazard]:
    """`padding="same"` with an even kernel adds one row more behind than in front."""
    for node, call in seen.explained():
        if getattr(call, "padding", None) != "same":
            continue
        uneven = [w for w in (node.rule.reach(call) or {}).values() if w.before != w.after]
        if uneven:
            w = uneven[0]
            yield Hazard(
                "lopsided", "hint", f"{called(node)}: padding='same' with a kernel of {w.size} adds {w.before} in front and {w.after} behind, which moves the picture by half a place",
                seen.at(node), {"before": w.before, "after": w.after, "kernel_size": w.size}, "an odd kernel",
            )  # fmt: skip


@hazard
def narrow(seen: Seen) -> Iterator[Hazard]:
    """Every place of a map sees only a small part of the picture."""
    from whyshape.analyses.field import fields

    graph = seen.graph
    if graph.problem is not None or not graph.outputs or not graph.inputs or len(seen.shape(graph.inputs[0])) != 4:
        return
    for node in graph.nodes[-1:]:
        out, size = seen.shape(node.outputs[0]), seen.shape(graph.inputs[0])
        found = fields(graph).of(node) if len(out) == 4 and out[-1] > 1 and len(graph.nodes) > 3 else None
        for axis, f in (found or {}).items():
            if f.axis is not None and not f.whole and f.exact and f.size * 4 < size[axis]:
                yield Hazard(
                    "narrow", "hint", f"a place of the output sees {f.size} of the {size[axis]} places along axis {axis} of the input",
                    seen.at(node), {"field": f.size, "input": size[axis]}, "more layers, stride, dilation or pooling, where the whole picture matters",
                )  # fmt: skip
                return
