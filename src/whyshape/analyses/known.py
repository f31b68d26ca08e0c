"""What the other analyses know about a model, in the words the report shows."""

from __future__ import annotations

from typing import Any

from whyshape.analyses.hazards import hazards
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph

SMALL = 200  # calls; for larger networks the exact set is asked for by name (`whyshape accepts`)


def known(graph: Graph, diagnosis=None, verified: str = "") -> dict[str, Any]:
    """The optional parts of `analyses.report.report`: the exact set of images that fit, problems with their fixes, hazards, checks.

    ``diagnosis``: a `Diagnosis`; ``verified``: a sentence about a comparison with PyTorch.
    """
    graph = graph.settled()
    found: dict[str, Any] = {"checks": [verified] if verified else []}
    fits = accepted(graph)
    if fits:
        found["fits"] = fits
    if diagnosis is not None:
        found["problems"] = [
            {
                "path": p.where.get("layer", ""),
                "sentence": p.sentence if p.sentence.endswith((".", "?", "!")) else f"{p.sentence}.",
                "fixes": [f"{f.says} ({f.cost})" if f.cost else f.says for f in p.fixes if f.verified],
            }
            for p in diagnosis.problems
        ]
    told = hazards(graph) if diagnosis is None else diagnosis.hazards
    found["hazards"] = [{"path": h.where.get("layer", ""), "sentence": h.sentence, "severity": h.severity} for h in told]
    return found


def accepted(graph: Graph) -> str:
    """The heights and widths a small network for one image takes, exactly; empty where that is not asked."""
    from whyshape.analyses.accepts import accepts

    if len(graph.inputs) != 1 or graph.problem is not None or len(graph.nodes) > SMALL:
        return ""
    shape = graph.tensors[graph.inputs[0]].shape
    if len(shape) != 4:
        return ""
    try:
        return str(accepts(graph, (int(shape[0]), int(shape[1]), "H", "W"), most=24)).splitlines()[0]
    except WhyshapeError:
        return ""  # nothing exact can be said; the page asks size by size
