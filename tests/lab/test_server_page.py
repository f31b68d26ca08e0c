"""The page of `whyshape play` with Python behind it: what it shows before an answer, after one, and after one that comes too late."""

import base64
import re

import numpy as np
import pytest
import torch

pytest.importorskip("httpx")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
expect = pytest.importorskip("playwright.sync_api").expect

from running import Running  # noqa: E402

from whyshape.lab.page import normalised, sample_pixels  # noqa: E402

expect.set_options(timeout=120_000)  # of waiting for a condition: how slow a machine is decides no test

OWN = """
import torch
from torch import nn

def make():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(1, 4, 5, stride=2), nn.GELU(), nn.Flatten(), nn.Linear(4 * 144, 10))
"""
TOLD = {"data": {"mean": 0.1, "std": 0.3}}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A model with an operator the page cannot run, GELU: every number is Python's."""
    file = tmp_path_factory.mktemp("own") / "net.py"
    file.write_text(OWN)
    running = Running(f"{file}:make", "--mean", "0.1", "--std", "0.3")
    yield running
    running.stop()


@pytest.fixture
def visit(chromium):
    """``visit(address)`` opens a page; what goes wrong in it fails the test at its end. ``visit(address, hold)`` keeps the requests whose
    address ends in ``hold`` back, in a list, until the test lets each go on."""
    wrong, pages = [], []

    def opened(address: str, hold: str = ""):
        page = chromium.new_page()
        pages.append(page)
        page.on("console", lambda message: "Failed to load" in message.text or wrong.append(message.text))  # a refusal is noted
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.add_init_script(COUNT)
        held = []
        if hold:
            page.route(re.compile(f"/{hold}$"), lambda route: held.append(route))
        page.goto(address)
        return (page, held) if hold else page

    yield opened
    for page in pages:
        page.close()
    assert wrong == []


# How many answers the page has read to the end, and drawn.
COUNT = """window.answers = 0;
const json = Response.prototype.json;
Response.prototype.json = async function () { const told = await json.call(this); setTimeout(() => window.answers++); return told; };"""


def wait_until(page, condition: str) -> None:
    """Until an expression holds in the page (Playwright's own waiting uses eval, which the page forbids)."""
    for _ in range(2400):
        if page.evaluate(f"() => Boolean({condition})"):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{condition} did not come true")


def wait_for(page, held: list, many: int) -> None:
    """Until so many requests are held back."""
    for _ in range(2400):
        if len(held) >= many:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{len(held)} requests came, not {many}")


def theirs(digit: int) -> list[torch.Tensor]:
    """What PyTorch says of a sample: the image, and what each layer gives."""
    scope: dict = {}
    exec(OWN, scope)
    steps = [normalised(sample_pixels()[digit], TOLD)]
    with torch.no_grad():
        for layer in scope["make"]().eval():
            steps.append(layer(steps[-1]))
    return steps


def shows(digit: int) -> str:
    """That a sample is on the board and its scores are known, as an expression of the page."""
    pixels = base64.b64encode(sample_pixels()[digit]).decode()
    return f"btoa(String.fromCharCode(...play.pixels())) === {pixels!r} && play.scores() !== null"


def test_an_own_model_shows_python_s_numbers(own, visit):
    """Scores, one number opened, and a sentence for the layer that is not."""
    page = visit(own.address)
    page.get_by_role("button", name="Sample 4").click()
    wait_until(page, shows(4))
    wanted = theirs(4)
    np.testing.assert_allclose(page.evaluate("() => [...play.scores()]"), wanted[-1][0].numpy(), atol=1e-5)
    page.locator(".picker select").select_option(label="0")
    expect(page.locator("#verdict")).to_have_text(re.compile("PyTorch says .*: equal"))
    first = float(page.locator("#verdict b").first.inner_text())
    assert first == pytest.approx(float(wanted[1][0, 0, 0, 0]), abs=1e-6)
    page.locator(".picker select").select_option(label="1")
    page.get_by_text("1 is a GELU, which is not opened").wait_for()


def test_one_number_is_answered_before_all_of_them(own, visit):
    """Nothing arrived but the chosen number: it is shown beside PyTorch's, and all else says that Python is asked."""
    page, held = visit(own.address, hold="forward")
    expect(page.locator("#verdict")).to_have_text(re.compile("PyTorch says .*: equal"))
    expect(page.locator("#draw")).to_contain_text("No scores: Python is asked ...")
    expect(page.locator("#maps li").first).to_contain_text("Python is asked ...")
    held[0].continue_()
    wait_until(page, "play.scores() !== null")
    expect(page.locator("#draw")).to_contain_text("First guess")


def test_all_numbers_are_answered_before_one(own, visit):
    """The scores are shown while the chosen number is still asked for, and another sample or another place asks again."""
    page, held = visit(own.address, hold="explain")
    wait_until(page, "play.scores() !== null")
    one = page.locator("#one")
    expect(one).to_contain_text("Python is asked ...")
    wait_for(page, held, 1)
    page.get_by_role("button", name="Sample 4").click()
    wait_until(page, shows(4))
    wait_for(page, held, 2)
    expect(one).to_contain_text("Python is asked ...")
    held[1].continue_()
    expect(page.locator("#verdict")).to_be_visible()
    said = page.locator("#verdict").inner_text()
    before = page.evaluate("answers")
    held[0].continue_()  # of the sample before: too late
    wait_until(page, f"answers > {before}")
    assert page.locator("#verdict").inner_text() == said
    page.get_by_label("column").fill("3")
    expect(one).to_contain_text("Python is asked ...")
    wait_for(page, held, 3)
    held[2].continue_()
    expect(page.locator("#one h3")).to_contain_text("column 3")
    assert float(page.locator("#verdict b").first.inner_text()) == pytest.approx(float(theirs(4)[1][0, 0, 0, 3]), abs=1e-6)


def test_an_answer_that_comes_too_late_is_nobody_s(own, visit):
    """The answer for the first sample arrives after that for sample 5, which is on the board: its scores stay."""
    page, held = visit(own.address, hold="forward")
    wait_for(page, held, 1)
    page.get_by_role("button", name="Sample 5").click()
    wait_for(page, held, 2)
    held[1].continue_()
    wait_until(page, shows(5))
    before = page.evaluate("answers")
    held[0].continue_()
    wait_until(page, f"answers > {before}")
    np.testing.assert_allclose(page.evaluate("() => [...play.scores()]"), theirs(5)[-1][0].numpy(), atol=1e-5)


def test_python_that_does_not_answer_is_said(own, visit):
    """A refusal of the server stands where its numbers would."""
    page, held = visit(own.address, hold="forward")
    wait_for(page, held, 1)
    held[0].fulfill(status=503, json={"error": "the model did not answer within 20 seconds"})
    expect(page.locator("#one")).to_contain_text("Python does not answer (the model did not answer within 20 seconds).")
    expect(page.locator("#draw")).to_contain_text("No scores: Python gave no numbers")


def test_the_thread_s_page_is_compared_with_pytorch_as_one_looks(server, visit):
    """On loopback the page computes, PyTorch computes, and the page says how far they are apart."""
    page = visit(server.address)
    wait_until(page, "play.gap() !== null")
    gap = page.evaluate("() => play.gap()")
    assert gap["numbers"] == 12_784 and gap["most"] <= 1e-4
    page.locator(".picker select").select_option(label="conv.conv_2")
    expect(page.locator("#verdict")).to_have_text(re.compile("PyTorch says .*: equal"))
