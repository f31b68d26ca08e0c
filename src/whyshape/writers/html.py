"""The report as one HTML file that fetches nothing: a closed door (CSP with hashes), the page's own code, and the data.

Model-supplied text reaches the page only inside JSON, and the page shows it through ``textContent`` alone.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import zlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

PLAIN = 20_000  # bytes of JSON that are kept readable in the file; more is deflated
FEW = 300  # rows a browser without scripts is shown

# What must not reach a page as it is: control characters, and the ones that turn the direction of writing or hide in a word.
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    """Text with each hidden or direction-turning character written out.

    >>> visible("conv\\u202e1"), visible("a\\x1bb")
    ('conv\\\\u202e1', 'a\\\\u001bb')
    """
    return HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def shown(value: Any) -> Any:
    """The same data with every text `visible`."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, (list, tuple)):
        return [shown(v) for v in value]
    if isinstance(value, dict):
        return {shown(k): shown(v) for k, v in value.items()}
    return value


def asset(name: str) -> str:
    """A built file of the page, as it is shipped."""
    return resources.files("whyshape").joinpath("_web", name).read_text(encoding="ascii")


def page(data: dict[str, Any]) -> str:
    """The whole report for the data of `analyses.report.report`. The same data gives the same bytes."""
    data = shown(data)
    style, code = asset("report.css"), asset("report.js")
    rules = f"script-src {_hash(LOADER)} {_hash(code)}; style-src {_hash(style)}; img-src data:"
    title = html.escape(data["title"])
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; {rules}; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: where its numbers come from</title>
<style>{style}</style>
</head>
<body>
<div id="app"><p>Reading ...</p></div>
<noscript><h1>{title}</h1>
<p>This page computes in the browser, and scripts are off. Its layers, as they were read:</p>
<pre>{html.escape(outline(data))}</pre></noscript>
{_shell(data, title)}
{_below(data)}
{_island({name: value for name, value in data.items() if name not in FIXED})}
<script type="application/octet-stream" id="code">{_deflated(code)}</script>
<script>{LOADER}</script>
</body>
</html>
"""


# The sections that the page's code fills, and what of each never changes: it stands in the file, and the code takes it over as it is.
SECTIONS = {
    "answer": "In one line",
    "layers": "Layers",
    "trace": "Where does this cell look?",
    "fits": "What sizes fit?",
    "bars": "Where are the numbers?",
}
LOOKS = {
    "n chosen": "chosen",
    "n typed": "typed, must equal",
    "n calculated": "calculated",
    "n input": "from the input or the task",
    "learned": "learned",
}
LEGEND = (
    '<p class="hint">Size comes from a formula. The number of maps is a choice. Point at a number to see who decides it.</p>\n'
    '<ul class="tools legend" aria-label="Who decides a number">'
    + "".join(f'<li><span class="{look}">5</span> {words}</li>' for look, words in LOOKS.items())
    + "</ul>"
)
PATTERNS = (
    '<svg class="patterns" width="0" height="0" aria-hidden="true"><defs>'
    '<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path d="M0 0v5" stroke-width="2"/></pattern>'
    '<pattern id="cross" width="11" height="11" patternUnits="userSpaceOnUse"><path d="M2 2l7 7m0-7l-7 7"/></pattern></defs></svg>'
)


def _shell(data: dict[str, Any], title: str) -> str:
    """The page without its numbers; a template is nothing to a browser without scripts."""
    notes = "".join(f'<p class="note">{html.escape(note)}</p>' for note in data["notes"])
    found = _findings("Problems", data.get("problems"), "refusal") + _findings("It runs, but look", data.get("hazards"), "")
    before, after = {"layers": LEGEND}, {"answer": found + notes}
    links = "".join(f'<a href="#{name}">{words}</a>' for name, words in {**SECTIONS, "words": WORDS, "checks": CHECKS}.items())
    sections = "\n".join(
        f'<section id="{name}" aria-labelledby="{name}-h"><h2 id="{name}-h">{words}</h2>{before.get(name, "")}<div></div>{after.get(name, "")}</section>'
        for name, words in SECTIONS.items()
    )
    return f"""<template id="shell">
<header><h1>{title}</h1><nav aria-label="Sections">{links}</nav><p class="tools"></p></header>
<main>
{sections}
</main>
<div id="tip" role="tooltip"></div>
{PATTERNS}
</template>"""


def _findings(title: str, found: list[dict[str, Any]] | None, look: str) -> str:
    """Problems or hazards, each with where, how grave and what was tried."""
    if not found:
        return ""
    said = "".join(f"<li>{_finding(**one)}</li>" for one in found)
    return f'<div class="{look}"><h3>{title}</h3><ul>{said}</ul></div>'


def _finding(sentence: str, path: str = "", severity: str = "", fixes: Sequence[str] = (), **_: Any) -> str:
    grave = f"<em>{html.escape(severity)} </em>" if severity else ""
    where = f"<b>{html.escape(path)}: </b>" if path else ""
    tried = "".join(f"<li>{html.escape(fix)}</li>" for fix in fixes or ())
    ways = f" With any one of these changes it runs (each was tried):<ul>{tried}</ul>" if tried else ""
    return f"{grave}{where}{html.escape(sentence)}{ways}"


WORDS, CHECKS = "Words", "How this was checked"
FIXED = ("title", "glossary", "checks", "problems", "hazards", "notes")  # what no knob changes stands in the file as it is shown


def _below(data: dict[str, Any]) -> str:
    """The sections at the end of the page: what its words mean, and how its numbers were checked."""
    words = "".join(f"<dt>{html.escape(word)}</dt><dd>{html.escape(sense)}</dd>" for word, sense in data["glossary"])
    checks = "".join(f"<li>{html.escape(said)}</li>" for said in data["checks"])
    return f"""<footer>
<section id="words" aria-labelledby="words-h"><h2 id="words-h">{WORDS}</h2><dl class="words">{words}</dl></section>
<section id="checks" aria-labelledby="checks-h"><h2 id="checks-h">{CHECKS}</h2><ul>{checks}</ul></section>
</footer>"""


# Unpacks the page's code and data, both at once, and runs the code as a script of this page; the door lets it in because its hash is
# written there.
LOADER = (
    '(async()=>{try{const island=document.getElementById("data"),unpacked=from=>{const raw=atob(from.textContent),'
    "bytes=new Uint8Array(raw.length);for(let i=0;i<raw.length;i++)bytes[i]=raw.charCodeAt(i);"
    'return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text()};'
    'const[text,data]=await Promise.all([unpacked(document.getElementById("code")),island.type.endsWith("json")||unpacked(island)]);'
    "if(data!==true)island.textContent=data;"
    'const code=document.createElement("script");code.textContent=text;document.head.append(code)}'
    'catch(reason){document.getElementById("app").textContent="This page could not be unpacked ("+reason+"). '
    'It needs Chrome 123, Firefox 120, Safari 17.5 or newer."}})()'
)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _deflated(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _island(data: dict[str, Any]) -> str:
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    if len(text) > PLAIN:
        return f'<script type="application/octet-stream" id="data">{_deflated(text)}</script>'
    return f'<script type="application/json" id="data">{text.replace("<", chr(92) + "u003c")}</script>'


def outline(data: dict[str, Any], most: int = FEW) -> str:
    """The rows as indented text with the sizes they make: ``conv_1 (Conv2d)  1x10x24x24``."""
    lines = []
    for depth, name, kind, first, count, times, _kids in data["rows"][:most]:
        made = data["nodes"][first + count - 1][2]
        shape = "x".join(map(str, data["shapes"][data["tensors"][made[0]]])) if made else ""
        label = f"{name or kind}{f' x {times}' if times > 1 else ''}{f' ({kind})' if name and kind else ''}"
        lines.append(f"{'  ' * depth}{label}  {shape}")
    if len(data["rows"]) > most:
        lines.append(f"... {len(data['rows']) - most} more rows")
    return "\n".join(lines)
