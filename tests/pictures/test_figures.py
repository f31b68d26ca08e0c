"""Figures: the model's own numbers, inside the paper, readable, and the same bytes again."""

from __future__ import annotations

import io
import re

import pytest

from whyshape.analyses.figure import architecture, convolution, drawn, find, parts, receptive, table
from whyshape.analyses.figure.stages import Forms
from whyshape.analyses.operations import operations
from whyshape.analyses.parameters import parameters
from whyshape.cli import main
from whyshape.errors import WhyshapeError
from whyshape.story.scene import MM, SMALLEST, WIDTHS, Box, Text
from whyshape.writers import pdf, png, svg, tikz


def words_of(scene):
    return [m.words for m in scene.marks if isinstance(m, Text)]


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
    assert "x 23" in words_of(scene)
    told = architecture(nets.unet(2)).words
    assert told == (
        "3x64x64 -> 8x64x64 -> 8x32x32 -> 16x32x32 -> 16x16x16 -> 16x32x32 -> 32x32x32 -> 16x32x32 -> 8x64x64 -> 16x64x64 -> 8x64x64 -> "
        "2x64x64. 2 connections pass over other stages. A letter marks where one leaves and where it arrives."
    )


def test_side_by_side_is_not_one_after_another(nets):
    """Alike blocks are told once where each feeds the next; branches that are alike stay apart."""
    assert {"branch0", "branch1", "branch2"} <= set(words_of(parts(nets.branches(), "mixed0")))
    assert {"first0", "first1", "first2"} <= set(words_of(parts(nets.crossed())))


def test_maps_are_where_the_windows_do_not_slide(nets):
    """Which axis counts maps is read off the receptive fields: last after a permute; rows of tokens are neither maps nor places."""
    forms, graph = Forms(nets.tokens()), nets.tokens()
    told = {node.path or node.op: (forms.of(node.outputs[0]).above, forms.of(node.outputs[0]).below) for node in graph.nodes}
    assert told["patch"] == ("16 maps", "8x8")
    assert told["permute"] == ("16 maps", "8x8")
    assert told["mix"] == ("24 maps", "8x8")
    assert told["flatten"] == told["body.block_0.fc"] == ("", "64x24")
    assert "3 x Linear" not in words_of(architecture(graph)) and "block_0..2" in words_of(architecture(graph))


@pytest.mark.parametrize("name", ["thread", "residual", "unet", "branches", "tokens"])
def test_the_rows_of_the_table_add_up(nets, name):
    graph = getattr(nets, name)()
    scene = table(graph)
    by_line = {}
    for m in scene.marks:
        if isinstance(m, Text) and m.anchor == "end":
            by_line.setdefault(m.y, {})[m.x] = m.words
    heads, *rows, totals = [by_line[y] for y in sorted(by_line)]
    for x, head in heads.items():
        assert sum(int(row[x].replace(",", "")) for row in rows if x in row) == int(totals[x].replace(",", "")), head
    assert (
        totals[max(totals)] == f"{operations(graph).forward('macs').value:,}"
        and totals[min(totals)] == f"{parameters(graph).total.value:,}"
    )


def test_the_table_of_the_thread(nets):
    words = words_of(table(nets.thread()))
    assert words[-3:] == ["total", "21,840", "480,500"]
    at = words.index("conv.conv_2")
    assert words[at : at + 5] == ["conv.conv_2", "Conv2d 5x5", "20 maps x 8x8", "5,020", "320,000"]


def test_a_graph_opens_level_by_level(nets):
    """`--depth 2` shows what is inside each module, in a frame that carries the module's name and result."""
    closed, opened = words_of(parts(nets.thread())), words_of(parts(nets.thread(), depth=2))
    assert closed == ["what comes in", "1x28x28", "conv", "20x4x4", "flatten", "320", "fc", "10"]
    assert {"conv", "conv_1", "maxpool_2", "fc", "fc1"} <= set(opened) and opened.count("320") == 1


def test_a_convolution_shows_its_formula_and_first_and_last_place(nets):
    graph = nets.thread()
    scene = convolution(graph, find(graph, "conv_1"))
    assert "height and width: floor((28 + 2*0 - 1*(5-1) - 1)/1) + 1 = 24" in words_of(scene)
    kernel = [m for m in scene.marks if isinstance(m, Box) and m.fill == "kernel"]
    assert len(kernel) == 25 + 1 + 1  # the window's cells, the cell it makes, and the legend
    assert {"0", "27", "23"} <= set(words_of(scene))


def test_a_large_grid_is_cut_with_true_numbers(nets):
    graph = nets.one((4, 6, 7), {"stride": 2, "padding": 3}, size=(1, 4, 224, 224))
    said = words_of(convolution(graph, find(graph, "layer")))
    assert "223" in said and "111" in said and "Hatched: padding (0)." in said


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
    assert re.search(
        r"<title>conv.conv_1: .*</title>\n<desc>.*floor\(\(28 \+ 2\*0 - 1\*\(5-1\) - 1\)/1\) \+ 1 = 24. Each map .*</desc>", text
    )


def test_pdf_text_can_be_found(nets):
    """Words stay words, in embedded fonts of 6 points at least; the page holds one figure whose alternative text is the description."""
    pypdf = pytest.importorskip("pypdf")
    found = pypdf.PdfReader(io.BytesIO(pdf.write(architecture(nets.thread()))))
    text = found.pages[0].extract_text()
    assert "320 numbers" in text and "conv_1" in text
    assert found.metadata.subject.startswith("1x28x28 -> 10x24x24")
    figure = found.trailer["/Root"]["/StructTreeRoot"]["/K"][0]["/K"][0]
    assert found.trailer["/Root"]["/MarkInfo"]["/Marked"] == True  # noqa: E712  # pypdf's own boolean
    assert (figure["/S"], figure["/Alt"]) == ("/Figure", architecture(nets.thread()).words)
    assert figure["/Pg"].get_object() == found.pages[0] and b"/Figure <</MCID 0>> BDC" in found.pages[0].get_contents().get_data()
    sizes = [float(size) for size in re.findall(rb"/F\S+ ([\d.]+) Tf", found.pages[0].get_contents().get_data())]
    assert min(sizes) >= SMALLEST
    fonts = found.pages[0]["/Resources"]["/Font"].values()
    assert all("/FontFile2" in font.get_object()["/FontDescriptor"] for font in fonts)


def test_png_has_its_size_and_its_words(nets):
    from PIL import Image

    scene = architecture(nets.thread())
    image = Image.open(io.BytesIO(png.write(scene, 144)))
    assert image.size == (round(scene.width * 2), round(scene.height * 2))
    assert image.text["Description"].startswith("1x28x28")


@pytest.mark.parametrize("ending", ["svg", "pdf", "png", "tex"])
def test_check_finds_a_stale_figure(tmp_path, ending, capsys):
    """`--check` is 0 for the figure of this model, 1 once the model is another."""
    file = tmp_path / f"net.{ending}"
    assert main(["figure", "arch", "-o", str(file)]) == 0
    assert main(["figure", "arch", "-o", str(file), "--check"]) == 0
    assert main(["figure", "arch", "conv 8 3 > relu", "--input", "1,1,9,9", "-o", str(file), "--check"]) == 1
    assert "is stale" in capsys.readouterr().err


def test_check_runs_pytorch_too(tmp_path, capsys, monkeypatch):
    """Of a PyTorch model `--check` compares every shape with PyTorch's own; a rule that is wrong does not pass."""
    pytest.importorskip("torch")
    file, module = tmp_path / "net.svg", tmp_path / "checked_net.py"
    module.write_text("import torch\ndef make():\n    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU())\n")
    ask = ["figure", "arch", f"{module}:make", "--input", "1,1,8,8", "-o", str(file)]
    assert main(ask) == 0
    assert main([*ask, "--check"]) == 0
    assert "PyTorch agrees: 2 result shapes were computed by both and are equal." in capsys.readouterr().err
    from whyshape.rules import RULES

    def wrong(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        return input.shape[0], weight.shape[0], 7, 7

    monkeypatch.setattr(RULES["conv2d"], "shape", staticmethod(wrong))
    assert main(ask) == 0 and main([*ask, "--check"]) == 1
    assert "PyTorch differs in 1 of 2 results; first conv2d" in capsys.readouterr().err


@pytest.mark.parametrize("ending, line", [("pdf", r"\includegraphics{%s}"), ("png", r"\includegraphics{%s}"), ("tex", r"\input{%s}")])
def test_the_caption_and_its_latex_are_printed(tmp_path, monkeypatch, capsys, ending, line):
    monkeypatch.chdir(tmp_path)
    assert main(["figure", "rf", "-o", f"net.{ending}"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("the thread's network: receptive field. conv.conv_1 sees 5 x 5;")
    assert line % f"net.{ending}" in said and r"\caption{the thread's network: receptive field. conv.conv\_1 sees 5 x 5;" in said
    assert main(["figure", "rf", "-o", f"a%b.{ending}"]) == 0
    assert "begin{figure}" not in capsys.readouterr().out  # LaTeX does not take such a name


def test_what_does_not_fit_the_paper_is_said(tmp_path, capsys):
    """A picture wider than asked or taller than a page says so, in millimetres; one that fits says nothing."""
    chain = " > ".join(f"Conv2d({1 + i}, {2 + i}, 3, padding=1)" for i in range(14))
    ask = ["figure", "graph", "-o", str(tmp_path / "net.svg"), "--width"]
    assert main([*ask, "column"]) == 0
    assert "note:" not in capsys.readouterr().err
    (tmp_path / "wide.py").write_text(
        "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.ways = torch.nn.ModuleList(torch.nn.Linear(4, 4) for _ in range(9))\n"
        "    def forward(self, x):\n        return torch.cat([way(x) for way in self.ways], 1)\n"
    )
    assert main([*ask, "column", f"{tmp_path / 'wide.py'}:Net", "--input", "1,4", "--layer", "ways"]) == 0
    assert re.search(r"note: what stands side by side needs \d+ mm, more than the 84 mm asked for", capsys.readouterr().err)
    assert main([*ask, "column", chain, "--input", "1,1,99,99"]) == 0
    assert "note:" not in capsys.readouterr().err
    assert main([*ask, "column", " > ".join(f"Conv2d({1 + i}, {2 + i}, 3, padding=1)" for i in range(80)), "--input", "1,1,9,9"]) == 0
    assert re.search(r"note: \d+ mm tall, more than a page; --layer PATH", capsys.readouterr().err)


@pytest.mark.full
def test_tikz_compiles(nets, tmp_path):
    """Every kind of figure, and every hostile name, goes through LaTeX without an error."""
    import shutil
    import subprocess

    from names import NAMES
    from test_hostile import named

    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("needs pdflatex with tikz")
    scenes = [architecture(nets.unet()), table(nets.unet()), receptive(nets.unet()), parts(nets.unet(), depth=2)]
    scenes += [
        convolution(nets.thread(), find(nets.thread(), "conv_2")),
        *(architecture(named(name)) for name in [*NAMES, "\u5c64", "\xe9"]),
    ]
    body = "\n\n".join(map(tikz.write, scenes))
    page = "\\documentclass{article}\\usepackage{tikz}\\begin{document}" + body + "\\end{document}"
    (tmp_path / "all.tex").write_text(page, encoding="utf-8")
    done = subprocess.run([latex, "-interaction=nonstopmode", "-halt-on-error", "all.tex"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-600:]


@pytest.mark.parametrize(
    "asked, sentence",
    [
        (["arch", "--style", "cubes"], "invalid choice: 'cubes'"),
        (["graph", "--layer", "conv.conv_1"], "conv.conv_1 is a single layer: it has no parts to draw"),
        (["graph", "--layer", "nope"], "no module with parts is called 'nope'; there are: conv, fc"),
        (["conv", "Linear(4, 2)", "--input", "1,4"], "no layer of this model has a window that moves, so there is nothing to draw"),
        (
            ["rf", "Conv1d(1, 2, 3)", "--input", "1,1,9"],
            "the receptive field is drawn on images (batch, maps, height, width); this input has 3 axes",
        ),
        (["rf", "ReLU", "--input", "1,1,9,9"], "no layer of this model has a window, so every cell sees one cell"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_sentence(asked, sentence, tmp_path, capsys):
    try:
        code = main(["figure", *asked, "-o", str(tmp_path / "x.svg")])
    except SystemExit as stop:
        code = stop.code
    said = capsys.readouterr().err
    assert code == 2 and sentence in said and "Traceback" not in said and not (tmp_path / "x.svg").exists()


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
