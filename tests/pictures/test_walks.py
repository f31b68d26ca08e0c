"""What a frame of an animation marks is what PyTorch reads there: held against gradients, for random settings of every kind of window."""

from __future__ import annotations

import io
import random

import pytest

from whyshape.analyses.animate import Film, film
from whyshape.api import explain
from whyshape.writers import film as films

torch = pytest.importorskip("torch")
nn = torch.nn

KINDS = ("conv", "grouped", "transposed", "max", "average", "same", "asymmetric", "1-D", "3-D", "adaptive")


def setting(seed: int):
    """A random layer with weights of 1 that counts what it reads, and a size it takes."""
    pick = random.Random(seed)
    k, s, p, d = ((pick.randint(1, 4), pick.randint(1, 4)) for _ in range(4))
    size = (1, 4, pick.randint(8, 11), pick.randint(8, 11))
    kind = KINDS[seed % len(KINDS)]
    pad, holes = (p[0] - 1, p[1] - 1), (1 + d[0] % 2, 1 + d[1] % 2)
    match kind:
        case "conv":
            layer = nn.Conv2d(4, 2, k, s, pad, holes)
        case "grouped":
            layer = nn.Conv2d(4, 8, k, s, pad, holes, groups=pick.choice((2, 4)))
        case "transposed":
            layer = nn.ConvTranspose2d(4, 2, k, s, (0, min(1, k[1] - 1)), output_padding=(s[0] - 1, 0), dilation=holes)
        case "max":
            layer = nn.MaxPool2d(k, s, (k[0] // 2, k[1] // 2), holes, ceil_mode=bool(seed % 2))
        case "average":
            layer = nn.AvgPool2d(k, s, (k[0] // 2, k[1] // 2), ceil_mode=bool(seed % 2))
        case "same":
            layer = nn.Conv2d(4, 2, k, padding="same", dilation=holes)
        case "asymmetric":
            layer = nn.Conv2d(4, 2, (4, 2), padding="same", dilation=(1, d[1]))
        case "1-D":
            layer, size = nn.Conv1d(4, 2, k[0], s[0], p[0] - 1, holes[0]), (1, 4, 15)
        case "3-D":
            layer, size = nn.Conv3d(4, 2, (2, *k), (1, *s), (0, *pad), (1, *holes)), (1, 4, 4, *size[2:])
        case _:
            layer = nn.AdaptiveAvgPool2d((pick.randint(2, 5), pick.randint(2, 5)))
    for weight in layer.parameters():
        nn.init.ones_(weight)
    return layer.eval(), size


def read(layer, size, row: int, column: int) -> set[tuple[int, int]]:
    """The rows and columns of the input that the cell at ``row, column`` of the last two axes reads, told by its gradient."""
    if isinstance(layer, nn.MaxPool2d):  # each of the cells could be the largest: make each of them so, in turn
        found = set()
        for r in range(size[2]):
            for c in range(size[3]):
                x = torch.zeros(size)
                x[0, 0, r, c] = 1
                if layer(x)[0, 0, row, column] == 1:
                    found.add((r, c))
        return found
    x = torch.ones(size, dtype=torch.float64, requires_grad=True)
    out = layer.double()(x)
    (seen,) = torch.autograd.grad(out[..., row, column].sum() if len(size) > 3 else out[..., column].sum(), x)
    flat = seen.reshape(-1, *size[-2:]).sum(0) if len(size) > 3 else seen.sum((0, 1))[None]
    return {(int(r), int(c)) for r, c in flat.nonzero()}


def spread(layer, size, row: int, column: int) -> set[tuple[int, int]]:
    """The cells of the output that one cell of the input is spread over."""
    x = torch.zeros(size)
    x[..., row, column] = 1
    out = layer(x) - layer(torch.zeros(size))
    return {(int(r), int(c)) for r, c in out.sum((0, 1)).nonzero()}


def marked(shown: Film, row: int, column: int) -> set[tuple[int, int]]:
    """The cells under the window in one frame, read off where its boxes stand; padding is left out."""
    rows, columns = ({round(at, 6): i for i, at in axis.items()} for axis in (shown.left.rows, shown.left.columns))
    still = len(shown.still.marks)
    boxes = [m for m in shown.frame(row, column).marks[still:] if getattr(m, "fill", "") == "kernel"]
    cells = {(rows.get(round(b.y, 6)), columns.get(round(b.x, 6))) for b in boxes[:-1]}  # the last one is the cell that is made
    made = {(shown.right.rows[row], shown.right.columns[column])}
    assert {(b.y, b.x) for b in boxes[-1:]} == made
    return {(r, c) for r, c in cells if r is not None and c is not None and 0 <= r < shown.walk.rows.n and 0 <= c < shown.walk.columns.n}


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel lengths")  # PyTorch says what it costs
@pytest.mark.parametrize("seed", [*range(20), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(20, 120))])
def test_every_frame_marks_what_pytorch_reads(seed):
    layer, size = setting(seed)
    answer = explain(layer, size)
    shown = film(answer.graph, answer.graph.nodes[-1])
    compared = 0
    for row in shown.rows:
        for column in shown.columns:
            asked = spread if shown.walk.spread else read
            assert marked(shown, row, column) == asked(layer, size, row, column), (layer, row, column)
            compared += 1
    made = layer(torch.zeros(size).to(next((p.dtype for p in layer.parameters()), torch.float32))).shape
    places = size if shown.walk.spread else made
    assert compared == min(compared, 100) and shown.walk.columns.places == places[-1]
    assert f"{shown.walk.rows.places * shown.walk.columns.places} places" in shown.still.words


@pytest.mark.full
@pytest.mark.parametrize("seed", range(10))
def test_random_walks_become_films(seed):
    """The GIF has every frame in the size of the picture; so has the MP4, whose sides are made even."""
    import subprocess

    from PIL import Image, ImageSequence

    layer, size = setting(seed)
    answer = explain(layer, size)
    shown = film(answer.graph, answer.graph.nodes[-1])
    image = Image.open(io.BytesIO(films.gif(shown, dpi=72)))
    assert image.size == (round(shown.still.width), round(shown.still.height))
    pauses = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
    assert sum(pauses) == 1000 + 300 * (len(shown.frames) - 1)
    program = films._ffmpeg()
    if program is None:
        pytest.skip("the rest needs ffmpeg, or the package imageio-ffmpeg")
    made = films.mp4(shown, dpi=72)
    done = subprocess.run([program, "-i", "pipe:0", "-map", "0:v", "-f", "framehash", "-"], input=made, capture_output=True, check=True)
    told = done.stdout.decode().splitlines()
    wide, high = (2 * -(-n // 2) for n in image.size)
    assert f"#dimensions 0: {wide}x{high}" in told
    assert len([line for line in told if line and not line.startswith("#")]) == len(shown.frames) + 2
