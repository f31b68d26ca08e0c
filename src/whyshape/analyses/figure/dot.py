"""The parts of a module in the language of Graphviz."""

from __future__ import annotations

from whyshape.analyses.figure.parts import asked
from whyshape.analyses.figure.stages import Forms, called, inside
from whyshape.analyses.layout import joined
from whyshape.analyses.rows import Row
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph


def dot(graph: Graph, path: str = "", depth: int = 1) -> str:
    """The same parts in the language of Graphviz; an opened module is a cluster."""
    every, index = asked(graph, path)
    if depth < 1:
        raise WhyshapeError(f"a graph is drawn at least 1 level deep, not {depth}")
    lines = [
        "digraph model {",
        "  rankdir=TB;",
        "  compound=true;",
        '  node [shape=box, fontname="Helvetica"];',
        '  n0 [label="what comes in", shape=plain];',
    ]
    forms = Forms(graph)

    def write(index: int, depth: int, indent: str) -> tuple[dict[int, list[str]], list[Row]]:
        """Each part's number with the names of its first and last nodes, in the order of the parts."""
        rows = [every[p] for p in inside(every, index)]
        names: dict[int, list[str]] = {0: ["n0", "n0"]}
        for i, place in enumerate(inside(every, index), 1):
            row = every[place]
            made = forms.of(graph.nodes[row.first + row.count - 1].outputs[0])
            label = "\\n".join(
                filter(None, (_plain(called(graph, row)), _plain(row.type if row.name else ""), "x".join(map(str, made.shape))))
            )
            if depth > 1 and len(inside(every, place)) > 1:
                lines.append(f"{indent}subgraph cluster{place} {{")
                lines.append(f'{indent}  label="{label}";')
                held, kids = write(place, depth - 1, indent + "  ")
                for a, b in joined(graph, kids):
                    if a:
                        lines.append(f"{indent}  {held[a][1]} -> {held[b][0]};")
                lines.append(f"{indent}}}")
                names[i] = [held[1][0], held[len(kids)][1]]
            else:
                lines.append(f'{indent}n{place + 1} [label="{label}"];')
                names[i] = [f"n{place + 1}"] * 2
        return names, rows

    held, rows = write(index, depth, "  ")
    lines += [f"  {held[a][1]} -> {held[b][0]};" for a, b in joined(graph, rows)]
    return "\n".join([*lines, "}"]) + "\n"


def _plain(words: str) -> str:
    """Words as they may stand in one of Graphviz' strings; everything outside plain letters is written out."""
    return "".join(c if 32 <= ord(c) < 127 and c not in '"\\<>&' else f"\\\\u{ord(c):04x}" for c in words)
