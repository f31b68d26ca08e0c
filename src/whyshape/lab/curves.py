"""A run's losses and accuracy as one SVG picture, written by hand: two panels over the epochs, readable in grey."""

from __future__ import annotations

from html import escape

WIDTH, HEIGHT, LEFT, TOP, WIDE, HIGH = 720, 300, 52, 40, 280, 200
INK = {"train": "#a64900", "validation": "#005a8c"}


def curves(history: list[dict], test_accuracy: float) -> str:
    """The picture of a history of rows ``epoch, train_loss, validation_loss, validation_accuracy`` (0 to 1)."""
    epochs = [row["epoch"] for row in history]
    losses = {"train": [r["train_loss"] for r in history], "validation": [r["validation_loss"] for r in history]}
    right = {"validation": [100 * r["validation_accuracy"] for r in history]}
    said = f"{len(history)} epochs; last training loss {losses['train'][-1]:.3f}, test accuracy {100 * test_accuracy:.2f} %"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" '
        f'font-size="12"><title>Loss and accuracy by epoch</title><desc>{escape(said)}</desc>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        panel(LEFT, "Loss (cross-entropy)", epochs, losses, 0, nice(max(max(v) for v in losses.values()))),
        panel(LEFT + WIDE + 84, "Accuracy on validation, %", epochs, right, *accuracy_range(right["validation"])),
        f'<text x="{LEFT}" y="{HEIGHT - 10}">{escape(said)}. Training loss is measured with dropout and distortion on.</text>',
        "</svg>\n",
    ]
    return "\n".join(parts)


def panel(left: float, title: str, epochs: list[int], lines: dict[str, list[float]], low: float, high: float) -> str:
    """One framed plot: a title, three marks on each axis, a line per name with its name at the end."""
    last = epochs[-1]

    def across(epoch):
        return left + WIDE * (epoch - 1) / max(1, last - 1)

    def down(value):
        return TOP + HIGH * (high - min(max(value, low), high)) / (high - low)

    marks = [f'<text x="{left}" y="{TOP - 12}" font-weight="bold">{title}</text>']
    for value in (low, (low + high) / 2, high):
        y = down(value)
        marks.append(f'<path d="M{left} {y:.1f}h{WIDE}" stroke="#ccc"/>')
        marks.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for epoch in sorted({1, (1 + last) // 2, last}):
        marks.append(f'<text x="{across(epoch):.1f}" y="{TOP + HIGH + 18}" text-anchor="middle">{epoch}</text>')
    for row, (name, values) in enumerate(lines.items()):
        points = " ".join(f"{across(e):.1f},{down(v):.1f}" for e, v in zip(epochs, values))
        dash = ' stroke-dasharray="6 3"' if name == "train" else ""
        marks.append(f'<polyline points="{points}" fill="none" stroke="{INK[name]}" stroke-width="2"{dash}/>')
        x, y = left + WIDE - 116, TOP + (18 if title.startswith("Loss") else HIGH - 24) + 18 * row
        marks.append(f'<path d="M{x} {y - 4}h28" stroke="{INK[name]}" stroke-width="2"{dash}/>')
        marks.append(f'<text x="{x + 34}" y="{y}">{name}</text>')
    return "\n".join(marks)


def nice(most: float) -> float:
    """The next 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** len(str(int(most))) if most >= 1 else 1.0
    return min(step for step in (power / 10, power / 5, power / 4, power / 2, power) if step >= most or step == power)


def accuracy_range(values: list[float]) -> tuple[float, float]:
    """0 to 100, or closer in when the second half of the run is all high."""
    lowest = min(values[len(values) // 2 :])
    return (90.0, 100.0) if lowest >= 90 else (0.0, 100.0)
