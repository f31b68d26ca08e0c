"""The table of `summary` in the form torchinfo gave it: its users find every number where they look for it."""

from __future__ import annotations

from whyshape.writers.plain import one_line

MEGA = 1_000_000
COLUMNS = {
    "kernel_size": "Kernel Shape", "input_size": "Input Shape", "output_size": "Output Shape", "other_order": "In Keras", "num_params": "Param #",
    "params_percent": "Param %", "mult_adds": "Mult-Adds", "trainable": "Trainable",
}  # fmt: skip


def write(made) -> str:
    """The table and the totals as text."""
    ascii_only = "ascii_only" in made.settings
    rows = [r for r in made.rows if r.depth <= made.depth and not (r.again and "hide_recursive_layers" in made.settings)]
    heads = [_head(r, made.settings, ascii_only) for r in rows]
    name = max(40, -(-max((len(h) + 1 for h in heads), default=0) // 5) * 5)
    line = lambda head, cells: f"{head:<{name}} " + " ".join(f"{c:<{made.width}}" for c in cells)
    title = f"Layer (type{' (var_name)' if 'var_names' in made.settings else ''}{':depth-idx' if 'depth' in made.settings else ''})"
    rule = "=" * (name + (made.width + 1) * len(made.columns))
    titles = COLUMNS | {"other_order": f"In {made.other}"}
    text = [rule, line(title, [titles[c] for c in made.columns]).rstrip(), rule]
    text += [line(head, [_cell(r, c, made) for c in made.columns]).rstrip() for head, r in zip(heads, rows)]
    return "\n".join([*text, rule, *_totals(made, rule), rule])


def _head(row, settings, ascii_only: bool) -> str:
    bar, branch, last = ("|    ", "+ ", "+ ") if ascii_only else ("│    ", "├─", "└─")
    start = "" if row.depth == 0 else branch if row.depth == 1 else bar * (row.depth - 1) + last
    text = one_line(row.type)
    if "var_names" in settings and row.name:
        text += f" ({one_line(row.name)})"
    return start + text + (f": {row.number}" if "depth" in settings and row.depth else "")


def _cell(row, column: str, made) -> str:
    shapes = lambda found: "--" if not found else str([int(n) for n in found[0]]) + (f" +{len(found) - 1}" if len(found) > 1 else "")
    deepest = row.depth == made.depth or row.leaf
    if column == "input_size":
        return shapes(row.inputs)
    if column == "output_size":
        return shapes(row.outputs)
    if column == "other_order":
        return shapes(row.there)
    if column == "kernel_size":
        return str(list(row.kernel)) if row.kernel else "--"
    if column == "trainable":
        return row.trainable
    counted = row.params if deepest else row.own
    if row.again and counted:
        return "(recursive)" if column != "mult_adds" else _macs(row, deepest)
    if column == "num_params":
        frozen = f"({counted:,})" if row.trainable == "False" else f"{counted:,}"
        return frozen if counted else "--"
    if column == "params_percent":
        return f"{100 * counted / made.total_params:.2f}%" if counted and made.total_params else "--"
    return _macs(row, deepest)


def _macs(row, deepest: bool) -> str:
    if not deepest:
        return "--"
    if row.macs.value is None:
        return "unknown"
    return f"{'>= ' if row.macs.missing else ''}{int(row.macs.value):,}" if row.macs.value or row.macs.missing else "--"


def _totals(made, rule: str) -> list[str]:
    total, learned = made.total_params, made.trainable_params
    macs = made.operations.forward()
    lines = [f"Total params: {total:,}", f"Trainable params: {learned:,}", f"Non-trainable params: {total - learned:,}"]
    missing = made.parameters.total.missing
    if missing:
        lines[0] += f" (at least: {len(missing)} lazy parameters are not known yet)"
    if not made.operations.rows:
        return lines
    unit, power = ("G", 9) if (macs.value or 0) >= 10**9 else ("M", 6)
    known = "unknown" if macs.value is None else f"{macs.value / 10**power:,.2f}"
    lines.append(f"Total mult-adds ({unit}): {'at least ' if macs.missing and macs.value is not None else ''}{known}")
    size, weights, kept = made.input_bytes / MEGA, made.total_param_bytes / MEGA, (made.kept.value or 0) / MEGA
    least = "at least " if made.kept.missing else ""
    return [
        *lines, rule, f"Input size (MB): {size:,.2f}", f"Kept for backward pass (MB): {least}{kept:,.2f}", f"Params size (MB): {weights:,.2f}",
        f"Estimated Total Size (MB): {least}{weights + kept + (0 if made.kept.value else size):,.2f}",
    ]  # fmt: skip
