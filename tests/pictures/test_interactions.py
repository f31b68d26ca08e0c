"""Each interaction of the report, driven by role and name in real Chromium. What a reader does, and the tests that do it (here, or in test_page.py):

========================================  ==================================================================================================
points at a number, focuses it, pins it   test_page.test_a_number_says_who_decides_it, test_enter_pins_what_a_number_says
points at a factor of the formula         test_page.test_a_factor_of_the_formula_lights_up_in_the_grids, test_padding_and_dilation_light_up
points at an input cell                   test_page.test_the_window_walks, test_all_outputs_that_read_a_cell_are_marked
points at an output cell                  test_an_output_cell_is_traced_from_the_grid
plays, steps, slides, changes the speed   test_page.test_the_window_walks, test_it_never_plays_by_itself, test_page.test_reduced_motion_never_plays
asks "why plus 1?"                        test_page.test_why_plus_one
clicks an output cell, then "trace"       test_an_output_cell_is_traced_from_the_grid, test_page.test_one_cell_is_traced_to_the_image
turns a knob                              test_each_knob_recomputes_what_follows, test_page.test_a_knob_recomputes_this_and_all_later_layers
changes the size of the input             test_page.test_the_input_can_be_changed
types into the filter; ``/``              test_page.test_finding_a_number, test_finding_a_type_and_a_path
arrows, Home, End, Enter                  test_page.test_tree_keys, test_page.test_by_keyboard_alone
copies a path                             test_page.test_every_copy_button
sends a link to a view                    test_page.test_a_link_is_an_exact_view, test_a_plain_link_names_a_layer_or_a_section
prints                                    test_printing_takes_the_text
========================================  ==================================================================================================
"""

from __future__ import annotations

import io
import re

import pytest

pytest.importorskip("playwright.sync_api")

from playwright.sync_api import expect

from whyshape.analyses.report import report
from whyshape.graph import Builder, Stopped
from whyshape.writers.html import page

expect.set_options(timeout=120_000)  # of waiting for a condition: how slow a machine is decides no test


@pytest.fixture
def thread_page(visit, nets):
    graph = nets.thread()
    return lambda hash="", **options: visit(page(report(graph)), hash, **options)


def at(grid, row, column, rows, columns):
    """The middle of a cell of a grid, in pixels of the window; the grid is brought into view first."""
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    return box["x"] + box["width"] * (column + 0.5) / columns, box["y"] + box["height"] * (row + 0.5) / rows


def test_enter_pins_what_a_number_says(thread_page):
    """The same words on Enter as on hover; a screen reader hears them with the number; Escape lets go."""
    tab = thread_page("#l=conv.conv_2")
    number = tab.locator("#card").get_by_role("button", name="12 (height: calculated in conv.maxpool_1)").first
    number.press("Enter")
    tip = tab.get_by_role("tooltip", include_hidden=True)
    expect(tip).to_have_text("12. height: calculated in conv.maxpool_1 Esc closes")
    tab.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_padding_and_dilation_light_up(visit, nets):
    """Pointing at the padding marks the hatch, at the dilation the cells the kernel steps over: 5 x 5 less its own 3 x 3."""
    tab = visit(page(report(nets.one((4, 6, 3), {"padding": 2, "dilation": 2, "stride": 2}))))
    grid = tab.get_by_role("img", name="input grid of 14 by 14 places")
    expect(tab.locator(".walk")).to_contain_text("input: 14 x 14 places, hatched: pad")
    for name, of in (("padding", ".pad"), ("dilation", ".hole")):
        tab.locator("#card").get_by_role("button", name=re.compile(rf"^2 \({name}")).first.hover()
        expect(grid).to_have_class(f"lit-{name}")
        expect(grid.locator(of)).to_have_count({"padding": 1, "dilation": 25 - 9}[name])


def test_cells_that_are_never_read_are_crossed(visit, nets):
    """A 1 x 1 window in steps of 2 leaves out every second row and column: 7 of 14 each."""
    tab = visit(page(report(nets.one((4, 6, 1), {"stride": 2}))))
    grid = tab.get_by_role("img", name="input grid of 14 by 14 places")
    expect(grid.locator(".unread")).to_have_count(14)
    expect(tab.locator(".walk")).to_contain_text("crossed: never read")


def test_all_outputs_that_read_a_cell_are_marked(thread_page):
    """A cell in the middle is read by 5 x 5 outputs, and all of them are marked."""
    tab = thread_page("#l=conv.conv_2")
    tab.mouse.move(*at(tab.get_by_role("img", name="input grid of 12 by 12 places"), 5, 6, 12, 12))
    expect(tab.locator(".walk .status")).to_have_text("Input row 5, column 6 is read by 25 of 64 output cells.")
    expect(tab.get_by_role("img", name="output grid of 8 by 8 places").locator(".at")).to_have_count(25)


def test_an_output_cell_is_traced_from_the_grid(thread_page):
    """Clicked in the grid, its window is told; "trace" leads to the section that follows it to the input."""
    tab = thread_page("#l=conv.maxpool_2")
    tab.mouse.click(*at(tab.get_by_role("img", name="output grid of 4 by 4 places"), 1, 2, 4, 4))
    expect(tab.locator(".walk .status")).to_have_text("Output row 1, column 2 reads rows 2 to 3, columns 4 to 5.")
    tab.get_by_role("button", name="Trace this cell to the input").click()
    expect(tab.get_by_role("heading", name="Where does this cell look?")).to_be_in_viewport()
    expect(tab.locator("#trace [role=status]")).to_have_text(
        "It sees rows 4 to 19, columns 8 to 23 of the input. Every cell here sees 16 x 16 places; its neighbours look 4 x 4 further. "
        "The first begins at row 0, column 0."
    )


def test_it_never_plays_by_itself(thread_page):
    """Paused at first, at any speed; another layer stops it."""
    tab = thread_page("#l=conv.conv_2")
    tab.get_by_label("Speed").fill("10")
    play = tab.get_by_role("button", name="Play")
    expect(play).to_have_attribute("aria-pressed", "false")
    expect(tab.locator(".walk .status")).to_contain_text("Output row 0, column 0 reads")
    play.click()
    expect(tab.locator(".walk .status")).not_to_contain_text("row 0, column 0 ")
    tab.get_by_role("row", name=re.compile("^conv_1")).click()
    expect(tab.get_by_role("button", name="Play")).to_have_attribute("aria-pressed", "false")


def test_each_knob_recomputes_what_follows(thread_page):
    """Sizes as PyTorch gives them for conv_1 with one setting turned, and the first layer that no longer fits."""
    tab = thread_page("#l=conv.conv_1")
    chain = tab.locator("#answer .answer")
    for knob, value, sizes in (
        ("kernel_size", 3, "10 x 26 x 26 -> 10 x 13 x 13 -> 20 x 9 x 9 -> 20 x 4 x 4 -> 320 -> 50 -> 10"),
        ("stride", 2, "10 x 12 x 12 -> 10 x 6 x 6 -> 20 x 2 x 2 -> 20 x 1 x 1 -> 20"),
        ("padding", 2, "10 x 28 x 28 -> 10 x 14 x 14 -> 20 x 10 x 10 -> 20 x 5 x 5 -> 500"),
        ("dilation", 3, "10 x 16 x 16 -> 10 x 8 x 8 -> 20 x 4 x 4 -> 20 x 2 x 2 -> 80"),
        ("out_channels", 11, "11 x 24 x 24 -> 11 x 12 x 12"),
    ):
        tab.get_by_label(knob, exact=True).fill(str(value))
        expect(chain).to_have_text(f"1 x 28 x 28 -> {sizes}")
        tab.get_by_role("button", name="Reset all").click()
    expect(chain).to_contain_text("20 x 4 x 4 -> 320 -> 50 -> 10")


def test_finding_a_type_and_a_path(thread_page):
    tab = thread_page()
    for wanted, found in (("linear", ["fc.fc1", "fc.fc2"]), ("conv.maxpool", ["conv.maxpool_1", "conv.maxpool_2"])):
        tab.get_by_label("Find a layer, a type or a number").fill(wanted)
        expect(tab.get_by_role("treegrid").get_by_role("row")).to_contain_text(["layer", *found])
        expect(tab.get_by_role("treegrid").get_by_role("row")).to_have_count(1 + len(found))


def test_a_plain_link_names_a_layer_or_a_section(thread_page):
    """``#conv.conv_2`` opens the layer, ``#fits`` the section."""
    expect(thread_page("#conv.conv_2").locator("#card h3")).to_contain_text("conv.conv_2")
    expect(thread_page("#fits").get_by_role("heading", name="What sizes fit?")).to_be_in_viewport()


def test_printing_takes_the_text(thread_page):
    """On paper every row stands as text, with the totals, dark on white; afterwards the page is as it was."""
    pypdf = pytest.importorskip("pypdf")
    tab = thread_page()
    tab.get_by_role("button", name="Light or dark").click()
    tab.get_by_role("heading", name="Where are the numbers?").wait_for()
    paper = pypdf.PdfReader(io.BytesIO(tab.pdf()))
    said = re.sub(r"\s+", " ", " ".join(leaf.extract_text() for leaf in paper.pages))
    tab.emulate_media(media="print")
    assert tab.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert (
        "21,840 learned numbers" in said
        and "conv_2 (Conv2d) 20 x 8 x 8 5,020 learned" in said
        and "Turn the knobs" not in said
        and "The distance between neighbouring cells of a kernel" in said
    )
    expect(tab.get_by_role("treegrid")).to_have_count(1)


def test_weights_are_drawn_as_they_are_stored(visit, nets):
    """A row of blocks for each map made, a column for each map read: of 20 x 10 blocks 5 x 10 have room. A knob draws them anew."""
    tab = visit(page(report(nets.thread())), "#l=conv.conv_2")
    words = "blocks of 5 x 5, a row for each map it makes, a column for each map it reads"
    blocks = lambda picture: picture.locator(".kernel").evaluate("e => e.getAttribute('d').split('M').length - 1")
    assert blocks(tab.get_by_role("img", name=f"20 x 10 {words}", exact=True)) == 50
    expect(tab.locator(".blocks")).to_contain_text("(5 x 10 of them drawn)")
    tab.get_by_label("out_channels", exact=True).fill("1")
    assert blocks(tab.get_by_role("img", name=f"1 x 10 {words}", exact=True)) == 8
    upside = visit(page(report(nets.one((4, 6, 3), {}, name="ConvTranspose2d"))))
    words = "4 x 6 blocks of 3 x 3, a row for each map it reads, a column for each map it makes"
    assert blocks(upside.get_by_role("img", name=words, exact=True)) == 24
    expect(upside.locator(".walk .status")).to_have_text("Output row 0, column 0 reads row 0, column 0, on 4 maps.")


def test_a_number_that_was_found_was_not_chosen(visit):
    """One that a search found says how, one that takes what arrives says so; turned by hand it is the reader's choice."""
    from whyshape.readers.notation import build, parse

    graph = build(parse("Conv2d(1, 20, 5) > MaxPool2d(6) > Flatten > Linear(?, 50)"), (1, 1, 28, 28))
    tab = visit(page(report(graph)), "#l=3")
    found = tab.locator("#card").get_by_role("button", name="320 (in_features: found, not typed: Linear(?, 50) takes what arrives)")
    expect(found).to_have_count(1)
    assert "chosen" not in found.get_attribute("class")
    tab.get_by_label("in_features", exact=True).fill("321")
    expect(tab.locator("#card").get_by_role("button", name="321 (in_features: typed, must equal what arrives)")).to_have_count(1)


def test_a_refusal_follows_its_numbers(thread_page):
    """One arrives, two arrive."""
    tab = thread_page("#l=conv.conv_1")
    tab.get_by_label("out_channels", exact=True).fill("1")
    expect(tab.locator("#answer").get_by_role("alert")).to_contain_text("10 channels are wanted, 1 arrives.")
    tab.get_by_label("out_channels", exact=True).fill("2")
    expect(tab.locator("#answer").get_by_role("alert")).to_contain_text("10 channels are wanted, 2 arrive.")


def test_the_layer_that_stopped_stands_in_the_list(visit):
    """Last, red, and with words; what was tried to mend it is called so."""
    net = Builder("stopped")
    x = net.layer("Conv2d", "a", net.input((1, 1, 4, 4)), args=(1, 2, 3))
    with pytest.raises(Stopped):
        net.layer("Conv2d", "b", x, args=(2, 2, 5))
    problem = {"path": "b", "sentence": "The kernel is too large.", "fixes": ["padding = 2 (old weights load)"]}
    tab = visit(page(report(net.graph(), problems=[problem])))
    expect(tab.get_by_role("treegrid").get_by_role("row").last).to_have_text("b does not fit")
    expect(tab.locator("#answer .refusal")).to_contain_text(
        "With any one of these changes it runs (each was tried): padding = 2", use_inner_text=True
    )
    expect(tab.locator("#answer .answer")).to_have_text("1 x 4 x 4 -> 2 x 2 x 2")


def test_the_line_keeps_to_the_way_of_the_data(visit):
    """What rests on no input, a first state of zeros, lies beside the way from input to output."""
    net = Builder("beside")
    x = net.input((1, 8))
    zeros = net.call("zeros", (1, 3))
    y = net.call("cat", [net.layer("Linear", "fc", x, args=(8, 5)), zeros], 1)
    tab = visit(page(report(net.graph(y))))
    expect(tab.locator("#answer .answer")).to_have_text("8 -> 5 -> 8")


def test_the_list_tells_who_decides_each_size(thread_page):
    """Without colour too: chosen numbers carry a line, calculated ones dots, those of the task two lines, what is kept none."""
    tab = thread_page()
    line = lambda row: (
        tab.get_by_role("row", name=re.compile(f"^{row}"))
        .locator(".size span:not(.rulers)")
        .evaluate_all("all => all.map(e => e.title && `${e.title} ${getComputedStyle(e).borderBottomStyle}`)")
    )
    assert line("conv_1") == ["chosen solid", "calculated dotted", "calculated dotted"]
    assert line("relu_1") == ["", "", ""] and line("fc2") == ["input double"]


def test_a_dragged_slider_writes_the_address_once(thread_page):
    """A browser refuses some hundred addresses in half a minute: the address follows when the reader has stopped."""
    tab = thread_page("#l=conv.conv_1")
    tab.get_by_label("padding slider").evaluate(
        """async (slider) => {
            const replace = history.replaceState.bind(history);
            window.written = 0;
            history.replaceState = (...how) => { window.written++; replace(...how); };
            for (let n = 0; n < 60; n++) { slider.value = n % 8; slider.dispatchEvent(new Event("input", { bubbles: true })); await null; await null; }
        }"""
    )
    expect(tab).to_have_url(re.compile("padding%5B1%5D:3$"))
    assert tab.evaluate("window.written") == 1


def test_why_plus_one_is_drawn_for_any_width(visit):
    """An arrow for each move where there are a few; of a thousand moves one arrow tells all. Another layer keeps it open."""
    from whyshape.api import explain

    arrows = lambda tab: tab.locator(".steps").nth(1).locator(".edge").evaluate("e => e.getAttribute('d').split('m-').length - 1")
    long = visit(explain("Conv2d(1, 2, 3, stride=2) > Conv2d(2, 2, 3)", (1, 1, 9, 2101)).page(), "#l=0")
    long.get_by_text("why plus 1?").click()
    expect(long.locator("#card details")).to_contain_text("In steps of 2 that is floor(2098/2) = 1,049 moves.")
    assert arrows(long) == 1
    tab = visit(explain("Conv2d(1, 2, 3, stride=2) > MaxPool2d(2, 2, ceil_mode=True)", (1, 1, 9, 28)).page(), "#l=0")
    tab.get_by_text("why plus 1?").click()
    expect(tab.locator("#card details")).to_contain_text("12 + 1 = 13 places")
    assert arrows(tab) == 12
    tab.get_by_role("treegrid").get_by_role("row", name=re.compile("MaxPool2d")).click()
    expect(tab.locator("#card details")).to_contain_text("ceil(11/2) = 6 moves")
    assert arrows(tab) == 6
