"""The architecture as a table: each stage with its type, its result, what it learns and what it computes; the totals add up."""

from __future__ import annotations

from whyshape.analyses.figure.stages import Form, Stage, stages
from whyshape.analyses.operations import Operations, operations
from whyshape.analyses.parameters import parameters
from whyshape.graph import Graph
from whyshape.story.scene import WIDTHS, Line, Mark, Scene, Text, shortened, wide

ROWS = 60  # stages in one table
HIGH, SIZE, GAP, EDGE = 10.0, 6.5, 9.0, 3.0


def table(graph: Graph, width: float = WIDTHS["page"]) -> Scene:
    """The stages one under the other, between three rules. What the rows learn and compute adds up to the last row."""
    shown, _ = stages(graph, ROWS)
    owners = [stage for stage in shown if stage.row is not None]
    learned, work = _learned(graph), operations(graph)
    spans = _spans(owners, len(graph.nodes))
    heads = ("layer", "type", "output", "learned numbers", "multiply-adds")
    rows = [("input", "", _output(shown[0].form), "", "")]
    told: set[int] = set()
    for stage, span in zip(owners, spans):
        own = {t for i in span for t in graph.nodes[i].inputs if t in learned} - told  # a shared weight counts where it is first used
        told |= own
        macs = _macs(work, span)
        rows.append((stage.path, stage.about, _output(stage.form), _number(sum(learned[t] for t in own)), macs))
    held = parameters(graph).total
    rest = (held.value or 0) - sum(learned[t] for t in told)
    if rest:
        rows.append(("not used in this call", "", "", _number(rest), ""))
    totals = ("total", "", "", held.words(), work.forward("macs").words())
    right = (3, 4)
    columns = _columns([heads, *rows, totals], width, right)
    marks: list[Mark] = []
    rule = lambda y, thick: Line(((EDGE, y), (width - EDGE, y)), "text", thick)
    y = EDGE + HIGH
    marks += [rule(EDGE, 0.8), *_row(heads, columns, y - 3, right, bold=True), rule(y, 0.4)]
    for row in rows:
        y += HIGH
        marks += _row(row, columns, y - 3, right)
    marks.append(rule(y, 0.4))
    y += HIGH
    marks += [*_row(totals, columns, y - 3, right, bold=True), rule(y, 0.8)]
    words = (
        "; ".join(f"{name}: {out}" for name, _, out, *_ in rows if out)
        + f". {totals[3]} learned numbers, {totals[4]} multiply-adds. A row also counts what follows it up to the next row."
    )
    return Scene(width, y + EDGE, f"{graph.name or 'model'}: its layers in a table", words, tuple(marks))


def _output(form: Form) -> str:
    return " x ".join(filter(None, (form.above, form.below))) if form.count is not None and form.space else form.above or form.below


def _spans(owners: list[Stage], count: int) -> list[range]:
    """The calls each row answers for: its own, and those after it that no row of its own shows (a norm, an activation)."""
    starts = [0, *(stage.row.first for stage in owners[1:])]
    return [range(a, b) for a, b in zip(starts, [*starts[1:], count])]


def _learned(graph: Graph) -> dict[int, int]:
    """The learned numbers of each parameter that some call reads, by tensor."""
    count = {row.name: row.count or 0 for row in parameters(graph).rows if row.state.kind == "parameter"}
    alias = {also: row.name for row in parameters(graph).rows for also in row.state.also}
    found, seen = {}, set()
    for node in graph.nodes:
        for t in node.inputs:
            name = alias.get(graph.tensors[t].name, graph.tensors[t].name)
            if graph.tensors[t].kind == "parameter" and name in count and name not in seen:
                seen.add(name)
                found[t] = count[name]
    return found


def _macs(work: Operations, span: range) -> str:
    values = [work.rows[i].counted("macs").value for i in span]
    known = sum(value for value in values if value is not None)
    return f"at least {known:,}" if None in values and known else "unknown" if None in values else _number(known)


def _number(n: int) -> str:
    return f"{n:,}" if n else ""


def _columns(rows, width: float, right) -> list[tuple[int, float, float]]:
    """Which columns there is room for, each with its left edge and its width: the type goes first, then the multiply-adds."""
    needs = [max(wide(row[i], SIZE, bold=True) for row in rows) for i in range(len(rows[0]))]
    room = width - 2 * EDGE
    chosen = list(range(len(needs)))
    for drop in (4, 1):
        if sum(min(needs[i], 70.0 if i == 0 else needs[i]) for i in chosen) + GAP * (len(chosen) - 1) > room:
            chosen.remove(drop)
    fixed = sum(needs[i] for i in chosen[1:]) + GAP * (len(chosen) - 1)
    first = min(needs[0], max(30.0, room - fixed))
    spare = room - fixed - first
    gap = GAP + max(0.0, spare) / (len(chosen) - 1)
    found, x = [], EDGE
    for i in chosen:
        w = first if i == 0 else needs[i]
        found.append((i, x, w))
        x += w + gap
    return found


def _row(cells, columns, y: float, right, bold: bool = False) -> list[Mark]:
    marks: list[Mark] = []
    for i, x, w in columns:
        words = shortened(cells[i], w + 0.01, SIZE, bold=True)
        if words:
            marks.append(Text(x + w if i in right else x, y, words, SIZE, "end" if i in right else "start", bold=bold))
    return marks
