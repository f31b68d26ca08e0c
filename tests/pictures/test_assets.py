"""The built page: what was built is what is shipped, it holds no address, and building it again changes nothing."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "src" / "whyshape" / "_web"
LARGEST = {"report.js": 45_000, "report.css": 8_000, "play.js": 45_000, "play.css": 8_000}  # bytes: the budget of a page's shell


def test_the_manifest_is_true():
    manifest = json.loads((BUILT / "MANIFEST.json").read_text())
    assert set(manifest) == set(LARGEST)
    for name, said in manifest.items():
        data = (BUILT / name).read_bytes()
        assert said == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}, name


@pytest.mark.parametrize("name", LARGEST)
def test_no_address_no_eval_and_not_too_large(name):
    text = (BUILT / name).read_text(encoding="ascii")
    assert set(re.findall(r"https?://[^\s\"'`]*", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xhtml",
        "http://www.w3.org/1998/Math/MathML",
    }
    assert "eval(" not in text and "new Function" not in text
    assert len(text) <= LARGEST[name]


def test_the_sources_never_write_markup():
    """Model-supplied text goes through text nodes: no source file asks for markup."""
    files = [file for room in (".", "core", "report", "play") for file in (ROOT / "web" / room).glob("*.ts*")]
    assert {"view.ts", "card.tsx", "draw.tsx"} <= {file.name for file in files}
    for file in files:
        text = file.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySet|\beval\(|new Function", text), (
            file.name
        )


def test_versions_are_pinned_and_no_registry_is_named():
    package = json.loads((ROOT / "web" / "package.json").read_text())
    assert "dependencies" not in package  # the pages carry no library: what is named here builds and checks them
    for version in package["devDependencies"].values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    lock = (ROOT / "web" / "package-lock.json").read_text()
    assert "resolved" not in lock and "registry" not in lock


def test_building_again_changes_nothing(tmp_path):
    node = shutil.which("node")
    if node is None or not (ROOT / "web" / "node_modules" / "esbuild").exists():
        pytest.skip("needs Node and `npm ci` in web/")
    subprocess.run([node, ROOT / "web" / "build.mjs", tmp_path], check=True)
    for name in LARGEST:
        assert (tmp_path / name).read_bytes() == (BUILT / name).read_bytes(), name


def test_the_sources_are_well_typed():
    checker = ROOT / "web" / "node_modules" / ".bin" / "tsc"
    if not checker.exists():
        pytest.skip("needs `npm ci` in web/")
    done = subprocess.run([checker, "--noEmit"], cwd=ROOT / "web", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
