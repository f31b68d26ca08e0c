"""Animations: at every moment the window stands where the rule says."""

from __future__ import annotations

import io
import re
import shutil

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
            if kind != "adaptive":  # its windows differ in size
                assert boxes[0].x - first[0].x == pytest.approx(columns[j][0]) and boxes[0].y - first[0].y == pytest.approx(rows[i][0])


@pytest.mark.parametrize("kind", LAYERS)
def test_at_most_a_hundred_frames(nets, kind):
    shown = made(nets, kind)
    n = len(shown.rows) * len(shown.columns)
    assert n <= MOST
    places = shown.walk.rows.places * shown.walk.columns.places
    assert f"{places} places" + ("" if n == places else f", {n} shown") in shown.still.words


@pytest.mark.parametrize("kind", ["plain", "stride and padding", "transposed", "cut"])
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


def test_mp4_needs_ffmpeg(nets, monkeypatch, tmp_path, capsys):
    if shutil.which("ffmpeg"):
        assert films.mp4(made(nets, "pool"))[4:8] == b"ftyp"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["animate", "conv_1", "-o", str(tmp_path / "x.mp4")]) == 2
    assert "MP4 needs the program ffmpeg, which is not installed; write a .gif instead" in capsys.readouterr().err


def test_frames_one_by_one(tmp_path, capsys):
    assert main(["animate", "maxpool_2", "-o", str(tmp_path / "f.svg"), "--frames"]) == 0
    files = sorted(p.name for p in tmp_path.iterdir())
    assert files == [f"f-{i:03d}.svg" for i in range(16)]
    assert re.search(r"The window stands at 16 places\.", capsys.readouterr().out)
