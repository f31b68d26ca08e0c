"""Animations: at every moment the window stands where the rule says."""

from __future__ import annotations

import io
import re

import pytest

from whyshape.analyses.animate import MOST, film
from whyshape.analyses.figure import find
from whyshape.cli import main
from whyshape.story.scene import PAUSE
from whyshape.writers import film as films

LAYERS = {
    "plain": ("Conv2d", (4, 6, 3), {}, (1, 4, 8, 9)),
    "stride and padding": ("Conv2d", (4, 6, 3), {"stride": 2, "padding": 1}, (1, 4, 9, 9)),
    "dilation": ("Conv2d", (4, 6, 3), {"dilation": 2, "groups": 2}, (1, 4, 9, 9)),
    "transposed": ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "padding": 1, "output_padding": 1}, (1, 4, 5, 5)),
    "pool": ("MaxPool2d", (2, 2), {"ceil_mode": True}, (1, 4, 9, 9)),
    "adaptive": ("AdaptiveAvgPool2d", (3,), {}, (1, 4, 7, 7)),
    "uneven": ("AdaptiveMaxPool2d", ((4, 3),), {}, (1, 4, 7, 7)),
    "average over the edge": ("AvgPool2d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True}, (1, 4, 8, 8)),
    "depthwise": ("Conv2d", (4, 4, 3), {"groups": 4, "stride": 2, "padding": 1}, (1, 4, 8, 8)),
    "transposed, spread": ("ConvTranspose2d", (4, 4, 3), {"stride": 3, "dilation": 2, "groups": 4}, (1, 4, 4, 4)),
    "sequence": ("Conv1d", (4, 6, 3), {"stride": 2}, (1, 4, 20)),
    "cut": ("Conv2d", (4, 6, 7), {"stride": 2, "padding": 3}, (1, 4, 224, 224)),
}


def made(nets, kind):
    name, args, kwargs, size = LAYERS[kind]
    graph = nets.one(args, kwargs, name=name, size=size)
    return film(graph, graph.nodes[-1])


@pytest.mark.parametrize("kind", LAYERS)
def test_every_frame_covers_the_cells_the_window_reads(nets, kind):
    """The boxes of a frame stand on the cells of `reach`, and the moves of the SVG lead to the same places."""
    shown = made(nets, kind)
    columns, rows = shown.moves
    first = shown.window(shown.rows[0], shown.columns[0])
    for i, row in enumerate(shown.rows):
        for j, column in enumerate(shown.columns):
            boxes = [box for box in shown.window(row, column) if box.fill == "kernel"]
            cells = {(r, c) for r in shown.walk.rows.cells[row] for c in shown.walk.columns.cells[column]}
            assert {(round(b.y, 6), round(b.x, 6)) for b in boxes} == {
                (round(shown.left.rows[r], 6), round(shown.left.columns[c], 6)) for r, c in cells
            }
            if shown.even:
                assert boxes[0].x - first[0].x == pytest.approx(columns[j][0]) and boxes[0].y - first[0].y == pytest.approx(rows[i][0])


@pytest.mark.parametrize("kind", LAYERS)
def test_at_most_a_hundred_frames(nets, kind):
    shown = made(nets, kind)
    n = len(shown.rows) * len(shown.columns)
    assert n <= MOST
    places = shown.walk.rows.places * shown.walk.columns.places
    assert f"{places} places" + ("" if n == places else f", {n} shown") in shown.still.words


@pytest.mark.parametrize("kind", ["plain", "stride and padding", "transposed", "transposed, spread", "depthwise", "cut"])
def test_the_browser_moves_it_so(visit, nets, kind):
    """Stopped at the middle of each pause, the kernel in Chromium stands where the frame has it."""
    shown = made(nets, kind)
    tab = visit(films.svg_film(shown), ready=False, ending="svg")
    base = tab.evaluate(
        "document.getAnimations().forEach(a => { a.pause(); a.currentTime = 1000 }), document.querySelector('.wx').getBoundingClientRect().toJSON()"
    )
    unit = 96 / 72
    columns, rows = shown.moves
    for k in range(0, len(columns) * len(rows), max(1, len(columns) * len(rows) // 9)):
        at = (1 + (k + 0.5) * PAUSE) * 1000
        box = tab.evaluate(
            f"document.getAnimations().forEach(a => a.currentTime = {at}), document.querySelector('.wx').getBoundingClientRect().toJSON()"
        )
        i, j = divmod(k, len(columns))
        assert box["x"] - base["x"] == pytest.approx(columns[j][0] * unit, abs=0.1), k
        assert box["y"] - base["y"] == pytest.approx(rows[i][0] * unit, abs=0.1), k


def test_less_motion_stands_still(visit, nets):
    tab = visit(films.svg_film(made(nets, "plain")), ready=False, ending="svg", reduced_motion="reduce")
    assert tab.evaluate("document.getAnimations().length") == 0
    assert tab.evaluate("getComputedStyle(document.querySelector('.end')).visibility") == "visible"


def test_svg_is_small_and_says_it_in_words(nets):
    text = films.svg_film(film(nets.thread(), find(nets.thread(), "conv_1")))
    assert (
        len(text) < 10_000
        and "floor((28 + 2*0 - 1*(5-1) - 1)/1) + 1 = 24. Each map comes from one kernel that reads the 1 input map. The window stands at 576 places, 96 shown."
        in text
    )
    assert text == films.svg_film(film(nets.thread(), find(nets.thread(), "conv_1")))


def test_gif_has_every_frame(nets):
    from PIL import Image, ImageSequence

    shown = made(nets, "pool")
    data = films.gif(shown)
    assert len(data) < 2_000_000 and data == films.gif(shown)
    pauses = [frame.info["duration"] for frame in ImageSequence.Iterator(Image.open(io.BytesIO(data)))]
    assert pauses == [1000] + [300] * (len(shown.frames) - 1)


def test_windows_that_grow_are_shown_one_by_one(visit, nets):
    """An adaptive pool of 7 rows in 4 has windows of 2 and of 3: at each moment exactly the cells of that place are seen."""
    shown = made(nets, "uneven")
    assert not shown.even and {len(cells) for cells in shown.walk.rows.cells} == {2, 3}
    tab = visit(films.svg_film(shown), ready=False, ending="svg")
    seen = "[...document.querySelectorAll('.f')].map((g, i) => getComputedStyle(g).visibility == 'visible' ? i : -1).filter(i => i >= 0)"
    for k in range(12):
        moment = f"document.getAnimations().forEach(a => {{ a.pause(); a.currentTime = {(k + 0.5) * PAUSE * 1000} }})"
        assert tab.evaluate(f"{moment}, {seen}") == [k]
    still = visit(films.svg_film(shown), ready=False, ending="svg", reduced_motion="reduce")
    assert still.evaluate("document.getAnimations().length") == 0
    assert still.evaluate(seen) == [0] and still.evaluate("getComputedStyle(document.querySelector('.end')).visibility") == "visible"


def test_mp4_holds_every_frame(nets):
    """Made by ffmpeg where there is one: its frames are counted by ffmpeg itself."""
    import subprocess

    program = films._ffmpeg()
    if program is None:
        pytest.skip("needs ffmpeg, or the package imageio-ffmpeg")
    shown = made(nets, "pool")
    film = films.mp4(shown)
    assert film[4:8] == b"ftyp" and film == films.mp4(shown)
    done = subprocess.run([program, "-i", "pipe:0", "-map", "0:v", "-f", "framehash", "-"], input=film, capture_output=True)
    frames = [line for line in done.stdout.decode().splitlines() if line and not line.startswith("#")]
    assert len(frames) == len(shown.frames) + 2  # the first place stands for a second


def test_mp4_needs_ffmpeg(monkeypatch, tmp_path, capsys):
    import sys

    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["animate", "conv_1", "-o", str(tmp_path / "x.mp4")]) == 2
    said = capsys.readouterr().err
    assert "MP4 needs the program ffmpeg (or pip install imageio-ffmpeg), which is not installed; write a .gif instead" in said


@pytest.mark.parametrize(
    "asked, sentence",
    [
        (["nope", "-o", "x.svg"], "no layer is called 'nope'; layers with a window: conv.conv_1"),
        (["fc1", "-o", "x.svg"], "fc.fc1 has no window that moves, so there is nothing to draw"),
        (["conv_1", "-o", "x.avi"], "an animation is written as .svg, .gif or .mp4, not as .avi"),
        (["conv_1", "-o", "x.svg", "--check"], "x.svg cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_be_animated_is_said_in_one_sentence(asked, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["animate", *asked]) == 2
    said = capsys.readouterr().err
    assert sentence in said and len(said.splitlines()) == 1 and not list(tmp_path.iterdir())


def test_frames_one_by_one(tmp_path, capsys):
    assert main(["animate", "maxpool_2", "-o", str(tmp_path / "f.svg"), "--frames"]) == 0
    files = sorted(p.name for p in tmp_path.iterdir())
    assert files == [f"f-{i:03d}.svg" for i in range(16)]
    assert re.search(r"The window stands at 16 places\.", capsys.readouterr().out)
