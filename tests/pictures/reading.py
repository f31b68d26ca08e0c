"""What a reader sees of a page: conditions that are waited for, however slow the machine is."""

from __future__ import annotations

import pytest

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=120_000)  # of waiting for a condition: how slow a machine is decides no test


def says(tab, where, *words):
    """Waits until the part of the page holds each of these texts (white space counts as one space)."""
    for each in words:
        expect(tab.locator(where)).to_contain_text(each, use_inner_text=True)


def silent(tab, where, words):
    """Waits until the part of the page no longer holds the text."""
    expect(tab.locator(where)).not_to_contain_text(words, use_inner_text=True)
