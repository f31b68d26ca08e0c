"""Figures: the model's own numbers, inside the paper, readable, and the same bytes again."""

from __future__ import annotations

import io
import re

import pytest

from whyshape.analyses.figure import architecture, convolution, drawn, find, receptive
from whyshape.analyses.layout import placed
from whyshape.analyses.parts import parts
from whyshape.cli import main
from whyshape.errors import WhyshapeError
from whyshape.story.scene import MM, SMALLEST, WIDTHS, Box, Line, Text
from whyshape.writers import pdf, png, svg, tikz


def scenes(nets):
    thread, residual = nets.thread(), nets.residual()
    for width in WIDTHS.values():
        yield architecture(thread, width)
        yield architecture(residual, width)
        yield convolution(thread, find(thread, "conv_1"), width)
        yield receptive(residual, width)
    yield architecture(thread, style="blocks")
    yield parts(residual)
    yield parts(residual, "blocks.0..2")
    yield convolution(
        nets.one((4, 6, 7), {"stride": 3, "padding": 2, "dilation": 2}, size=(1, 4, 80, 61)),
        find(nets.one((4, 6, 7), {}, size=(1, 4, 80, 61)), "layer"),
    )


def words_of(scene):
    return [m.words for m in scene.marks if isinstance(m, Text)]


def test_everything_stands_on_the_paper(nets):
    """No mark leaves the picture, no word is below 6 points."""
    for scene in scenes(nets):
        for m in scene.marks:
            points = {Box: lambda m: [(m.x, m.y), (m.x + m.w, m.y + m.h)], Line: lambda m: m.points, Text: lambda m: [(m.x, m.y)]}[type(m)](
                m
            )
            assert all(-0.01 <= x <= scene.width + 0.01 and -0.01 <= y <= scene.height + 0.01 for x, y in points), (scene.title, m)
            assert not isinstance(m, Text) or m.size >= SMALLEST


def test_two_widths(nets):
    assert architecture(nets.thread(), WIDTHS["column"]).width == pytest.approx(84 * MM)
    assert architecture(nets.thread(), WIDTHS["page"]).width == pytest.approx(174 * MM)


def test_the_architecture_tells_the_threads_sizes(nets):
    said = words_of(architecture(nets.thread()))
    for words in (
        "1 map",
        "28x28",
        "10 maps",
        "24x24",
        "12x12",
        "20 maps",
        "8x8",
        "4x4",
        "320 numbers",
        "50 numbers",
        "10 numbers",
        "Conv2d 5x5",
    ):
        assert words in said, words
    assert architecture(nets.thread()).words == "1x28x28 -> 10x24x24 -> 10x12x12 -> 20x8x8 -> 20x4x4 -> 320 -> 50 -> 10"


def test_alike_blocks_are_folded_and_skips_named(nets):
    scene = architecture(nets.residual(23))
    assert any("x 23" in words for words in words_of(scene))


def test_a_convolution_shows_its_formula_and_first_and_last_place(nets):
    graph = nets.thread()
    scene = convolution(graph, find(graph, "conv_1"))
    assert "height and width: floor((28 + 2*0 - 1*(5-1) - 1)/1) + 1 = 24" in words_of(scene)
    kernel = [m for m in scene.marks if isinstance(m, Box) and m.fill == "kernel"]
    assert len(kernel) == 25 + 1  # the window's cells, and the cell it makes
    assert {"0", "27", "23"} <= set(words_of(scene))


def test_a_large_grid_is_cut_with_true_numbers(nets):
    graph = nets.one((4, 6, 7), {"stride": 2, "padding": 3}, size=(1, 4, 224, 224))
    said = words_of(convolution(graph, find(graph, "layer")))
    assert "223" in said and "111" in said and "hatched: padding" in said


def test_the_receptive_field_is_the_threads(nets):
    assert (
        receptive(nets.thread()).words
        == "conv.conv_1 sees 5 x 5; conv.maxpool_1 sees 6 x 6; conv.conv_2 sees 14 x 14; conv.maxpool_2 sees 16 x 16"
    )


def test_equal_models_give_equal_bytes(nets):
    for write in (lambda s: svg.write(s).encode(), lambda s: tikz.write(s).encode(), pdf.write, lambda s: png.write(s, 100)):
        assert write(architecture(nets.thread())) == write(architecture(nets.thread()))


def test_svg_says_it_in_words(nets):
    text = svg.write(convolution(nets.thread(), find(nets.thread(), "conv_1")))
    assert re.search(r"<title>conv.conv_1: .*</title>\n<desc>.*floor\(\(28 \+ 2\*0 - 1\*\(5-1\) - 1\)/1\) \+ 1 = 24</desc>", text)


def test_pdf_text_can_be_found(nets):
    """Words stay words, in embedded fonts, with the description as subject."""
    pypdf = pytest.importorskip("pypdf")
    found = pypdf.PdfReader(io.BytesIO(pdf.write(architecture(nets.thread()))))
    text = found.pages[0].extract_text()
    assert "320 numbers" in text and "conv_1" in text
    assert found.metadata.subject.startswith("1x28x28 -> 10x24x24")
    fonts = found.pages[0]["/Resources"]["/Font"].values()
    assert all("/FontFile2" in font.get_object()["/FontDescriptor"] for font in fonts)


def test_png_has_its_size_and_its_words(nets):
    from PIL import Image

    scene = architecture(nets.thread())
    image = Image.open(io.BytesIO(png.write(scene, 144)))
    assert image.size == (round(scene.width * 2), round(scene.height * 2))
    assert image.text["Description"].startswith("1x28x28")


def test_layout_of_a_skip():
    """A chain stays straight, what passes it passes beside; no edge runs backwards."""
    picture = placed(5, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4), (1, 4)])
    assert [place for _, place in picture.at] == [0] * 5
    assert all(picture.at[a][0] < picture.at[b][0] for a, b, *_ in picture.edges)
    assert all(len(passed) == picture.at[b][0] - picture.at[a][0] - 1 for a, b, *passed in picture.edges)
    lanes = {(a, tuple(passed)) for a, _, *passed in picture.edges if passed}
    assert all(0 not in passed for _, passed in lanes)


@pytest.mark.parametrize("ending", ["svg", "pdf", "png", "tex"])
def test_check_finds_a_stale_figure(tmp_path, ending, capsys):
    """`--check` is 0 for the figure of this model, 1 once the model is another."""
    file = tmp_path / f"net.{ending}"
    assert main(["figure", "arch", "-o", str(file)]) == 0
    assert main(["figure", "arch", "-o", str(file), "--check"]) == 0
    assert main(["figure", "arch", "conv 8 3 > relu", "--input", "1,1,9,9", "-o", str(file), "--check"]) == 1
    assert "is stale" in capsys.readouterr().err


def test_bad_input_gets_one_sentence(nets, tmp_path, capsys):
    with pytest.raises(
        WhyshapeError, match=r"no layer is called 'nope'; layers with a window: conv.conv_1, conv.maxpool_1, conv.conv_2, conv.maxpool_2"
    ):
        drawn(nets.thread(), "conv", "nope")
    with pytest.raises(WhyshapeError, match=r"fc\.fc1 has no window that moves, so there is nothing to draw; name a convolution or a pool"):
        drawn(nets.thread(), "conv", "fc1")
    assert main(["figure", "arch", "-o", str(tmp_path / "x.jpg")]) == 2
    (tmp_path / "link.svg").symlink_to(tmp_path / "target.svg")
    assert main(["figure", "arch", "-o", str(tmp_path / "link.svg")]) == 2
    assert not (tmp_path / "target.svg").exists()
    assert "link.svg is a link; name the file itself" in capsys.readouterr().err


def test_the_pictures_of_the_documentation_are_fresh():
    """`python tools/pictures.py --check` finds nothing stale."""
    import subprocess
    import sys
    from pathlib import Path

    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, root / "tools" / "pictures.py", "--check"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(root / "src"), "PATH": ""},
    )
    assert (done.returncode, done.stderr) == (0, "")
