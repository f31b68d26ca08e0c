"""Notebook output: no script, what an untrusted notebook keeps, run in a real kernel, looked at in Chromium."""

from __future__ import annotations

import base64
import re
from html import unescape

import html5lib
import pytest

from whyshape.analyses.notebook import mimebundle, sheet
from whyshape.api import explain
from whyshape.graph import Builder
from whyshape.readers.notation import THREAD
from whyshape.writers.notebook import BAD, CHOSEN, DIM, LIMIT, MADE, frame, write

# What a notebook's sanitizer keeps of the elements we use; everything else would be dropped.
KEPT = {"div", "p", "b", "br", "span", "table", "tbody", "tr", "td", "details", "summary", "img"}
STYLES = {"color", "margin", "margin-left", "padding", "border-left", "font-family", "max-width", "text-align", "vertical-align"}


@pytest.fixture(scope="module")
def html():
    return mimebundle(explain(THREAD, (1, 1, 28, 28)))["text/html"]


def test_only_what_an_untrusted_notebook_keeps(html):
    body = html5lib.parse(html, namespaceHTMLElements=False).find("body")
    for e in list(body.iter())[1:]:
        assert e.tag in KEPT, e.tag
        assert set(e.attrib) <= {"style", "alt", "src"}, e.attrib
        assert {rule.partition(":")[0] for rule in e.get("style", "").split(";") if rule} <= STYLES, e.get("style")
        assert e.get("src", "data:").startswith("data:")


def test_it_tells_every_layer_and_shows_the_windows(html):
    for words in ("1x28x28 -&gt; 10x24x24", "21,840 learned numbers", "floor((28 + 2*0 - 1*(5-1) - 1)/1) + 1 = 24", "20*4*4 = 320"):
        assert words in html
    pictures = [base64.b64decode(data).decode() for data in re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html)]
    assert len(pictures) == 4 and all("@keyframes" in picture for picture in pictures)
    assert len(html) <= 60_000


def test_a_large_network_shows_its_top_level():
    answer = explain(" > ".join(f"Conv2d({1 if i == 0 else 2}, 2, 3, padding=1) > ReLU" for i in range(40)), (1, 1, 8, 8))
    told = mimebundle(answer)
    assert len(told["text/html"]) <= 60_000
    assert "80 calls; this shows the top level. All of it: x.report('net.html')" in unescape(told["text/html"])


CHAIN = lambda n: " > ".join(f"Conv2d({2 + i % 7 if i else 1}, {2 + (i + 1) % 7}, 3, padding=1)" for i in range(n))


@pytest.mark.parametrize("layers", [30, 60, 61, 1000])
def test_no_output_is_larger_than_its_budget(layers):
    """Words go before pictures, the first layers before the last; what is left out is counted, and said."""
    told = mimebundle(explain(CHAIN(layers), (1, 1, 64, 64)))["text/html"]
    assert len(told.encode()) <= LIMIT
    tree = html5lib.parse(told, namespaceHTMLElements=False)
    rows = len(tree.findall(".//details")) + len(tree.findall("./body/div/p")) - 3
    silent = layers - len(tree.findall(".//img"))
    if layers <= 60:
        assert rows == layers and len(tree.findall(".//details")) >= 30
        assert f"Left out to stay small: words or pictures of {silent} layers. All of it: x.report('net.html')" in unescape(told)
    elif layers == 1000:
        assert (
            f"{layers} calls; this shows the top level. All of it: x.report('net.html'); {layers - rows} more rows are left out"
            in unescape(told)
        )


def test_a_long_name_is_cut():
    net = Builder("n" * 100_000)
    x = net.layer("Conv2d", "c" * 100_000, net.input((1, 1, 8, 8)), args=(1, 2, 3))
    assert len(write(sheet(net.graph(x), ""))) < LIMIT


def test_words_stand_out_from_light_and_dark_pages(html):
    """Every colour has a contrast of at least 4 with white and with the darkest page of a notebook."""

    def light(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        return sum(w * (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4) for w, c in zip((0.2126, 0.7152, 0.0722), parts))

    def contrast(a, b):
        high, low = sorted((light(a), light(b)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    colours = {CHOSEN, MADE, BAD, DIM}
    assert set(re.findall(r"color:(#\w+)", html)) <= colours
    for colour in colours:
        assert contrast(colour, "#ffffff") >= 4 and contrast(colour, "#111111") >= 4, colour


def test_a_mismatch_is_shown():
    told = mimebundle(explain(THREAD, (1, 1, 32, 32)))
    assert "does not fit" in told["text/html"] and "500" in told["text/html"]


def test_both_kinds_of_text():
    answer = explain(THREAD, (1, 1, 28, 28))
    assert set(answer._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert answer._repr_html_() == answer._repr_mimebundle_()["text/html"]


def test_it_opens_without_scripts(visit, html):
    """In Chromium with scripts off a layer opens, and its picture is there."""
    tab = visit(html, ready=False, java_script_enabled=False)
    tab.get_by_text("conv.conv_2").first.click()
    tab.get_by_text("floor((12 + 2*0 - 1*(5-1) - 1)/1) + 1 = 8").wait_for()
    picture = tab.get_by_role("img", name=re.compile("The window stands at 64 places"))
    assert picture.bounding_box()["width"] > 200


def test_the_frame_holds_the_whole_page(visit):
    """`show()`: the report inside a frame that may run its own script and nothing else."""
    text = frame(explain(THREAD, (1, 1, 28, 28)).page(), 900)
    assert text.startswith("<iframe srcdoc=") and 'sandbox="allow-scripts"' in text and text.count("<") == 2
    tab = visit(text, ready=False)
    inside = tab.frame_locator("iframe")
    inside.get_by_role("row", name=re.compile("^conv_2")).click()
    inside.get_by_text("conv.conv_2 Conv2d").wait_for()


@pytest.mark.full
def test_in_a_real_kernel(tmp_path):
    """A notebook run by nbclient holds both kinds of output."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    note = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "from whyshape.api import explain\nfrom whyshape.readers.notation import THREAD\nx = explain(THREAD, (1, 1, 28, 28))\nx"
            ),
            nbformat.v4.new_code_cell("x.show()"),
        ]
    )
    nbclient.NotebookClient(note, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    first, second = (cell["outputs"][-1]["data"] for cell in note.cells)
    assert "10x24x24" in first["text/plain"] and "<details" in first["text/html"]
    assert second["text/html"].startswith("<iframe srcdoc=")


def test_a_refusal_hides_nothing_in_a_notebook():
    """IPython prints of our errors what they say here: one sentence, control and direction characters written out."""
    from whyshape.errors import WhyshapeError

    assert WhyshapeError("\x1b[31mred\u202e")._render_traceback_() == ["WhyshapeError: \\x1b[31mred\\u202e"]


@pytest.mark.full
def test_hostile_names_in_a_real_kernel(visit, tmp_path):
    """A notebook about layers with hostile names, run by nbclient: only what a notebook keeps, and nothing happens in Chromium."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    from names import NAMES

    build = (
        "from whyshape.graph import Builder\nfrom whyshape.explanation import Explanation\n"
        "def net(name):\n    b = Builder(name)\n    return Explanation(b.graph(b.layer('Conv2d', name, b.input((1, 1, 9, 9), name=name), args=(1, 2, 3))))"
    )
    asked = [name.replace(".", "") for name in NAMES[::10]]
    cells = [nbformat.v4.new_code_cell(source) for source in (build, *(f"net({name!a})" for name in asked))]
    refused = nbformat.v4.new_code_cell(f"net({NAMES[1]!a}).figure('conv', layer='nope')", metadata={"tags": ["raises-exception"]})
    note = nbformat.v4.new_notebook(cells=[*cells, refused])
    nbclient.NotebookClient(note, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    for cell in note.cells[1:-1]:
        data = cell["outputs"][-1]["data"]
        assert not [c for c in data["text/plain"] if not c.isprintable() and c != "\n"]
        body = html5lib.parse(data["text/html"], namespaceHTMLElements=False).find("body")
        assert {e.tag for e in body.iter()} <= {*KEPT, "body"}
        visit(data["text/html"], ready=False)  # fails at its end on any request, dialog, or error
    (error,) = note.cells[-1]["outputs"]
    assert error["traceback"] == [f"WhyshapeError: {error['evalue']}"]


@pytest.mark.parametrize("width", [360, 1400])
def test_pictures_are_no_wider_than_the_notebook(visit, nets, width):
    """The animation of a layer shrinks with the cell's output."""
    from whyshape.explanation import Explanation

    tab = visit(
        f"<!doctype html><html data-ready=1><body>{Explanation(nets.thread())._repr_html_()}", viewport={"width": width, "height": 800}
    )
    tab.locator("summary").first.click()
    assert tab.locator("img").first.evaluate("e => e.getBoundingClientRect().right <= innerWidth")
