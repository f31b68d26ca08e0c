"""A diagnosis as text: where, what arrived and what was wanted, why, and the ways out that were tried."""

from __future__ import annotations

import os

from whyshape.analyses.diagnose.problem import Diagnosis, Finding, Fix

CONTROL = {c: f"\\x{c:02x}" for c in (*range(32), 127, *range(128, 160))} | {
    c: f"\\u{c:04x}" for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


def clean(text) -> str:
    """Text that came with the model, in one line without control characters."""
    return " ".join(str(text).split()).translate(CONTROL)[:400]


def written(diagnosis: Diagnosis) -> str:
    lines: list[str] = []
    if diagnosis.ran:
        lines.append(
            f"{clean(diagnosis.model)} runs on these inputs{', but not as it should.' if diagnosis.wrong else ': nothing to repair.'}"
        )
    for number, problem in enumerate(diagnosis.problems, 1):
        if lines:
            lines.append("")
        above = number > 1 and problem.fixes and problem.fixes == diagnosis.problems[number - 2].fixes
        shown = problem._replace(fixes=(), tried=False) if above else problem
        lines += described(shown, number if len(diagnosis.problems) > 1 else 0)
        if above:
            lines.append("  the same ways out as above")
    if diagnosis.hazards:
        still = [] if diagnosis.wrong else ["It may still be wrong:"]
        lines += ["", "It may run and still be wrong:"] if diagnosis.problems else still
        for h in diagnosis.hazards:
            lines.append(f"  {h.severity}: {clean(h.sentence)}" + (f" ({clean(at(h.where))})" if at(h.where) else ""))
    return "\n".join(lines)


def at(where: dict) -> str:
    """layer (Type), file:line"""
    layer = f"{where['layer']} ({where.get('type')})" if where.get("layer") else ""
    line = f"{os.path.basename(where['file'])}:{where['line']}" if where.get("file") and where.get("line") else ""
    return ", ".join(t for t in (layer, line) if t)


def described(p: Finding, number: int) -> list[str]:
    head = f"{number}. " if number else ""
    place = at(p.where) or p.where.get("type") or "the model"
    if p.kind == "other":
        return [f"{head}{clean(place)} stops for a reason that is no shape: {clean(p.message or p.sentence)}"]
    lines = [f"{head}{clean(place)}: {clean(p.sentence).rstrip('.:')}."]
    if p.because:
        lines += ["  because"] + [f"    {clean(link.says)}" for link in p.because[:8]]
    single = [f for f in p.fixes if f.verified]
    if single:
        lines.append("  ways out, each tried on a copy that then ran to its end")
        lines += [f"    {'either' if i == 0 else 'or    '} {way(f)}" for i, f in enumerate(single)]
    elif p.fixes:
        whole = tuple(f for f in p.fixes if f.built)
        rest = f"not verified on the whole model: {clean(p.doubt)}" if p.doubt else "the whole model is not built with it"
        lines.append("  ways out, verified by building the whole model again" if whole else f"  ways out; the layer was built so, {rest}")
        lines += [f"    {'either' if i == 0 else 'or    '} {clean(f.says)}" for i, f in enumerate(whole or p.fixes)]
    elif p.tried:
        lines.append("  no change that was tried makes it run")
    return lines


def way(fix: Fix) -> str:
    return f"{clean(fix.says)} ({fix.cost})"


__all__ = ["at", "clean", "written"]
