"""Networks made at random, in every kind of figure and every format: nothing off the paper, no line through a box, the same bytes again."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from geometry import faults, seen
from random_networks import network

from whyshape.analyses.figure import drawn
from whyshape.story.scene import MM
from whyshape.writers import pdf, png, svg, tikz

HERE = Path(__file__).parent
FIGURES = [("arch", style, 1, width) for style in ("lenet", "blocks", "table") for width in ("column", "page")]
FIGURES += [(kind, "lenet", 1, width) for kind in ("conv", "rf") for width in ("column", "page")]
FIGURES += [("graph", "lenet", depth, width) for depth in (1, 2, 3) for width in (None, "column", "page")]
SOME = [("arch", "lenet", 1, "page"), ("rf", "lenet", 1, "column"), ("graph", "lenet", 1, "column"), ("graph", "lenet", 3, "page")]


def scene(graph, figure):
    kind, style, depth, width = figure
    return drawn(graph, kind, None, width, style, depth)


def balanced(tex: str) -> bool:
    """Whether every brace that opens is closed again; escaped ones and comments do not count."""
    depth, tex = 0, "\n".join(line for line in tex.splitlines() if not line.startswith("%"))
    for c in tex.replace("\\{", "").replace("\\}", ""):
        depth += (c == "{") - (c == "}")
        if depth < 0:
            return False
    return depth == 0


def sound(seed: int, figures) -> None:
    graph = network(seed)
    for figure in figures:
        made = scene(graph, figure)
        assert faults(seen(svg.write(made)), graph=figure[0] == "graph") == [], (seed, figure)
        assert balanced(tikz.write(made)), (seed, figure)


@pytest.mark.parametrize("seed", range(4))
def test_random_networks_are_drawn_soundly(seed):
    """Boxes are apart or inside one another, lines keep clear of them and of each other, words stay in their boxes, all on the paper."""
    sound(seed, SOME)


@pytest.mark.full
@pytest.mark.parametrize("first", range(0, 200, 10))
def test_two_hundred_random_networks_are_drawn_soundly(first):
    for seed in range(first, first + 10):
        sound(seed, FIGURES)


def test_a_line_through_a_box_is_found():
    """The check of the drawing sees a line through a box, boxes that overlap, and words outside their box."""
    draw = lambda inner: faults(
        seen(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><path d="M10 10h30v20h-30z" stroke-width="0.5"/>{inner}</svg>'
        ),
        graph=True,
    )
    line = '<path d="M{}" fill="none" stroke-width="0.7"/>'
    word = '<text x="{}" y="20" font-size="6" text-anchor="start">word</text>'
    assert draw("") == draw(line.format("25 30v20")) == draw(word.format(12)) == []
    assert "runs through" in draw(line.format("25 5v50"))[0]
    assert "overlap" in draw('<path d="M20 20h30v20h-30z" stroke-width="0.5"/>')[0]
    assert "leaves its box" in draw(word.format(35))[0]
    assert "is off the paper" in draw(line.format("90 50h20"))[0]
    assert "lie on each other" in draw(line.format("60 50v20") + line.format("60 55v20"))[0]
    assert "lies on" in draw(word.format(60) + word.format(62))[0]


@pytest.mark.full
def test_random_figures_are_the_same_in_every_process():
    """SVG, TikZ, PDF and PNG have the same bytes whatever Python's hashes are."""
    told = [
        subprocess.run(
            [sys.executable, Path(__file__)],
            env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": str(HERE.parents[1] / "src")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in ("1", "2")
    ]
    assert len(told[0].split()) == 60 * 4 and told[0] == told[1]


def digests() -> list[str]:
    """Of each format, for some figure of each of sixty networks."""
    found = []
    for seed in range(60):
        made = scene(network(seed), FIGURES[seed % len(FIGURES)])
        files = (svg.write(made).encode(), tikz.write(made).encode(), pdf.write(made), png.write(made, 50))
        found += [hashlib.sha256(content).hexdigest() for content in files]
    return found


@pytest.mark.full
@pytest.mark.parametrize("seed", range(0, 200, 10))
def test_random_figures_open(seed, tmp_path):
    """A PDF is one page as large as the picture and says its words; a PNG has its size; TikZ goes through LaTeX."""
    pypdf, image = pytest.importorskip("pypdf"), pytest.importorskip("PIL.Image")
    scenes = [scene(network(seed), figure) for figure in SOME]
    for made in scenes:
        page = pypdf.PdfReader(io.BytesIO(pdf.write(made))).pages[0]
        assert [float(n) for n in page.mediabox[2:]] == pytest.approx([made.width, made.height], abs=0.01)
        assert len(page.extract_text()) > 20
        size = image.open(io.BytesIO(png.write(made, 72))).size
        assert size == (round(made.width), round(made.height))
    if shutil.which("pdflatex") is None:
        pytest.skip("the rest needs pdflatex with tikz")
    body = "\n\\clearpage\n".join(map(tikz.write, scenes))
    source = f"\\documentclass{{article}}\n\\usepackage{{tikz}}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    (tmp_path / "all.tex").write_text(source, encoding="utf-8")
    ask = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(ask, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_figure_is_as_wide_as_asked(seed):
    """A column is 84 mm and a page 174 mm, if the parts side by side leave room for it; without a width a page is enough."""
    for width, mm in (("column", 84), ("page", 174)):
        for figure in (("arch", "lenet", 1, width), ("rf", "lenet", 1, width), ("graph", "lenet", 1, width)):
            assert scene(network(seed), figure).width == pytest.approx(mm * MM)
    assert scene(network(seed), ("graph", "lenet", 1, None)).width <= 174 * MM


if __name__ == "__main__":
    print("\n".join(digests()))
