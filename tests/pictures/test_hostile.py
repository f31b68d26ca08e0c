"""A layer's name is a stranger's text: whatever it says, pages and pictures hold the elements they always hold, and nothing runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import html5lib
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from names import NAMES

from whyshape.analyses.animate import film
from whyshape.analyses.figure import architecture, convolution, parts, receptive, table
from whyshape.analyses.figure.dot import dot
from whyshape.analyses.notebook import sheet
from whyshape.analyses.report import report
from whyshape.graph import Builder
from whyshape.writers import film as films
from whyshape.writers import notebook, pdf, svg, tikz
from whyshape.writers.html import HIDDEN, page


def named(name):
    """A network whose every name is the hostile one; dots make paths, so they are left out, as torch demands."""
    bare = name.replace(".", "") or "x"
    net = Builder(name)
    x = net.layer("Conv2d", bare, net.input((1, 1, 8, 8), name=name), args=(1, 2, 3))
    x = net.layer("ReLU", f"{bare}.{bare}", x)
    x = net.layer("MaxPool2d", f"{bare}.b", x, args=(2,))
    return net.graph(net.layer("Flatten", f"{bare} end", x))


def elements(text):
    """The elements and attribute names a browser's parser finds, with how often."""
    tree = html5lib.parse(text, namespaceHTMLElements=False)
    found = {}
    for e in tree.iter():
        key = (str(e.tag) if isinstance(e.tag, str) else "comment", *sorted(map(str, e.attrib)))
        found[key] = found.get(key, 0) + 1
    return found


def outputs(graph):
    """Every kind of output that a browser reads."""
    node = next(n for n in graph.nodes if n.op == "conv2d")
    yield "report", page(report(graph))
    yield "notebook", notebook.write(sheet(graph, "1x8x8 -> 2x6x6"))
    for name, scene in (
        ("arch", architecture(graph)),
        ("conv", convolution(graph, node)),
        ("rf", receptive(graph)),
        ("graph", parts(graph)),
        ("opened", parts(graph, depth=3)),
        ("table", table(graph)),
        ("blocks", architecture(graph, style="blocks")),
    ):
        yield name, svg.write(scene)
    yield "film", films.svg_film(film(graph, node))


@pytest.fixture(scope="module")
def plain():
    return {kind: elements(text) for kind, text in outputs(named("plain"))}


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_no_name_adds_an_element(name, plain):
    """The parsed elements and attributes of page, notebook and pictures are those of a network with harmless names."""
    for kind, text in outputs(named(name)):
        found = elements(text)
        if kind not in ("report", "notebook"):  # a long name may wrap or be cut: more of the same words, never another element
            assert set(found) == set(plain[kind]), kind
        else:
            assert found == plain[kind], kind
        text_only = re.sub(r'<script type="application/(json|octet-stream)".*?</script>', "", text, flags=re.S)
        assert not [c for c in HIDDEN.findall(text_only) if c != "\n"], kind


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_no_name_breaks_latex_or_dot(name):
    """TikZ keeps its commands, Graphviz its strings: a name adds no backslash word, no quote and no line."""
    graph = named(name)
    wanted = set(re.findall(r"\\[a-zA-Z]+", tikz.write(architecture(named("plain")))))
    escapes = {
        r"\textbackslash",
        r"\textasciitilde",
        r"\textasciicircum",
        r"\textless",
        r"\textgreater",
        r"\textbar",
        r"\char",
        r"\whyshapeletter",
        r"\u",
    }
    lines = [line for line in tikz.write(architecture(graph)).splitlines() if not line.startswith("%")]
    assert set(re.findall(r"\\[a-zA-Z]+", "\n".join(lines))) - wanted <= escapes
    for line in dot(graph, depth=2).splitlines():
        assert re.fullmatch(
            r"digraph model \{| *\}|  [a-z]+=\w+;|  node \[.*\];| *n\d+ -> n\d+;| *n\d+ \[label=\"[^\"]*\"(, shape=plain)?\];"
            r"| *subgraph cluster\d+ \{| *label=\"[^\"]*\";",
            line,
        ), line


def test_nothing_runs(visit):
    """All hundred names in one page: no dialog, no request, no console error; every name is shown as text."""
    net = Builder("".join(NAMES))
    x = net.input((1, 1, 8, 8), name=NAMES[0])
    for i, name in enumerate(NAMES):
        x = net.layer("Conv2d", f"{i} {name.replace('.', '')}", x, args=(1, 1, 1))
    html = page(report(net.graph(x)))
    tab = visit(html)
    tab.get_by_role("treegrid").focus()
    for key in ("End", "Home"):
        tab.keyboard.press(key)
    tab.get_by_role("button", name="Text version").click()
    shown = tab.locator("pre").first.inner_text()
    assert "<script>alert(1)</script>" in shown and "\\u202econv" in shown
    assert tab.evaluate("document.querySelectorAll('#app script, #app img, #app iframe, #app style').length") == 0
    assert visit(svg.write(architecture(net.graph(x))), ready=False, ending="svg").evaluate("document.documentElement.tagName") == "svg"


@pytest.mark.parametrize("names", [NAMES[::12], pytest.param(NAMES, marks=pytest.mark.full)], ids=["some", "all"])
def test_no_name_breaks_a_pdf(names):
    """The file is read strictly, holds the objects it always holds, and its words carry no hidden character."""
    import io

    import pypdf

    kinds = lambda graph: pypdf.PdfReader(io.BytesIO(pdf.write(architecture(graph))), strict=True)
    plain_file = kinds(named("plain"))
    for name in names:
        found = kinds(named(name))
        assert set(found.trailer["/Root"]) == set(plain_file.trailer["/Root"]) and set(found.pages[0]) == set(plain_file.pages[0]), name
        figure = found.trailer["/Root"]["/StructTreeRoot"]["/K"][0]["/K"][0]
        said = found.metadata.title + found.metadata.subject + figure["/Alt"]
        assert not [c for c in HIDDEN.findall(said) if c != "\n"], name
