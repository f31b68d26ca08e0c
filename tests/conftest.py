"""What all tests share: torchvision and timm made importable on a CPU build, one thread, nothing from outside."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("COLUMNS", "100")

import pytest
import torch
from hypothesis import settings


def _has_kernels(package: str) -> bool:
    """Whether the compiled part of a package beside torch is there and fits this torch."""
    spec = find_spec(package)
    try:
        torch.ops.load_library(next(Path(spec.origin).parent.glob("_C*")))
    except (AttributeError, StopIteration, OSError):
        return False
    return True


if not _has_kernels("torchvision"):  # its import asks for these two by name, which only its compiled part defines
    _LIBRARY = torch.library.Library("torchvision", "DEF")
    for _name in ("nms", "qnms"):
        _LIBRARY.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

torch.set_num_threads(1)
settings.register_profile("quick", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("quick")


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="run the long tests too: zoos, oracles at full size")


def pytest_collection_modifyitems(config, items):
    """Long tests are left out of the quick run, not skipped in it: a skipped test reads like a passed one."""
    if config.getoption("--full"):
        return
    long = [item for item in items if "full" in item.keywords]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if "full" not in item.keywords]


@pytest.fixture
def thread_net():
    """The thread's network as PyTorch runs it, with flatten(1)."""
    from whyshape.lab.network import ThreadNet

    return ThreadNet()


@pytest.fixture
def thread_graph():
    """The thread's network in notation, on one 28 x 28 image."""
    from whyshape.readers.notation import THREAD, build, parse

    return build(parse(THREAD), (1, 1, 28, 28))


CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def chromium():
    """The system's Chromium, for one file of tests (Playwright holds its thread's event loop while it runs), or a skip."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip("needs Chromium")
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()
