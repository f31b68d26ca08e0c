"""The page of `whyshape play` as one HTML file: the model's graph and sizes as Python read them, its weights, ten samples.

The page holds no rule of sizes: it evaluates the trees of `analyses.report`. What it computes itself is the arithmetic of
values, for the operators in `RUNS`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn

from whyshape.analyses.report import report
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Node, Ref
from whyshape.lab.record import shapes
from whyshape.readers.torch import read
from whyshape.rules import RULES, spread
from whyshape.writers.html import asset, shown

SCHEMA = "whyshape.play.v1"
SHAPE = (1, 1, 28, 28)
MOST_BYTES = 4 << 20  # of weights that travel inside a page

# The operators the page can run, and their settings that have one number for each axis.
PAIRS = ("kernel_size", "stride", "padding", "dilation")
RUNS = {
    "conv2d", "max_pool2d", "avg_pool2d", "linear", "batch_norm", "relu", "sigmoid", "tanh", "softmax", "log_softmax", "dropout",
    "flatten", "Tensor.view", "Tensor.reshape",
}  # fmt: skip


def saved(model: nn.Module, told: dict[str, Any], title: str) -> str:
    """The page that runs alone, of a model that takes (1, 1, 28, 28) and gives (1, classes).

    ``told`` is the facts of a trained network. `WhyshapeError` names an operator the page cannot run.
    """
    data = sent(model, graph_of(model), told, title, server=False)
    if not data["runs"]:
        odd = sorted({step["op"] for step in data["steps"] if step["op"] not in RUNS} or {step["path"] for step in data["steps"]})
        raise WhyshapeError(
            f"a saved page runs the network alone, and it cannot run {', '.join(odd)}; without --save, Python runs it for the page"
        )
    return document(data)


def graph_of(model: nn.Module) -> Graph:
    """The model's graph on one digit; `WhyshapeError` if it does not take one or does not give scores."""
    graph = read(model, SHAPE, mode="eval")
    if graph.problem is not None:
        raise WhyshapeError(
            f"play draws digits of {shapes([torch.empty(SHAPE)])}, and the model does not take them: {graph.problem.sentence}"
        )
    out = graph.tensors[graph.outputs[0]].shape if len(graph.outputs) == 1 else ()
    if len(out) != 2 or out[0] != 1:
        raise WhyshapeError("play needs a model that gives one row of scores for an image: a tensor of shape (1, classes)")
    return graph


def sent(model: nn.Module, graph: Graph, told: dict[str, Any], title: str, server: bool) -> dict[str, Any]:
    """All that the page is told, ready for JSON."""
    steps = [step_of(graph, node) for node in graph.nodes]
    state = dict(model.named_parameters(remove_duplicate=False)) | dict(model.named_buffers(remove_duplicate=False))
    needed = {name for step in steps for name in step["weights"].values()}
    small = sum(state[name].numel() * 4 for name in needed if name in state) <= MOST_BYTES
    runs = small and needed <= state.keys() and all(map(runnable, steps))
    return {
        "schema": SCHEMA,
        "title": title,
        "model": report(graph),
        "steps": steps,
        "runs": runs,
        "weights": {name: packed(state[name]) for name in sorted(needed)} if runs else {},
        "mean": told["data"]["mean"],
        "std": told["data"]["std"],
        "classes": [str(i) for i in range(int(graph.tensors[graph.outputs[0]].shape[1]))],
        "samples": samples(model, told),
        "about": about(told, server),
        "server": server,
    }


def step_of(graph: Graph, node: Node) -> dict[str, Any]:
    """One call for the page: which weights it uses and its settings by name, those of windows as one number for each axis."""
    bound = RULES[node.op].bind(node.args, node.kwargs) if node.op in RULES else {}
    weights = {
        k: graph.tensors[v.tensor].name for k, v in bound.items() if isinstance(v, Ref) and graph.tensors[v.tensor].name and k != "input"
    }
    knobs = {k: v for k, v in bound.items() if isinstance(v, (bool, int, float, str, tuple, list)) and k != "args"}
    if knobs.get("stride", 0) in (None, [], ()) or ("kernel_size" in knobs and "stride" not in knobs):
        knobs["stride"] = knobs["kernel_size"]  # a pool moves by its own width unless told otherwise
    for name in PAIRS:
        if name in knobs and not isinstance(knobs[name], str):
            knobs[name] = list(spread(knobs[name], 2, name))
    if "weight" in weights and node.op == "conv2d":
        knobs["kernel_size"] = [int(n) for n in graph.tensors[node.inputs[1]].shape[-2:]]
    if node.op.endswith("_pool2d"):
        knobs.setdefault("dilation", [1, 1])
        knobs.setdefault("padding", [0, 0])
    return {"op": node.op, "path": node.path, "type": node.type, "weights": weights, "knobs": knobs}


def runnable(step: dict[str, Any]) -> bool:
    """Whether the page can run this call: a known operator, with settings in numbers."""
    named = isinstance(step["knobs"].get("padding"), str)
    return step["op"] in RUNS and not named and not step["knobs"].get("ceil_mode") and not step["knobs"].get("return_indices")


def packed(tensor: torch.Tensor) -> dict[str, Any]:
    """A tensor as its shape and little-endian float32 in base64."""
    return {"shape": list(tensor.shape), "data": encoded(tensor)}


def encoded(tensor: torch.Tensor) -> str:
    return base64.b64encode(tensor.detach().cpu().float().contiguous().numpy().astype("<f4").tobytes()).decode()


@lru_cache(maxsize=1)
def sample_pixels() -> tuple[bytes, ...]:
    """The first digit of each class in scikit-learn's test sheets, as 28 x 28 bytes."""
    from whyshape.lab.data import load

    test = load("digits").test
    return tuple(test.pixels[test.labels == digit][0].tobytes() for digit in range(10))


def samples(model: nn.Module, told: dict[str, Any]) -> list[dict[str, Any]]:
    """Ten digits with the scores PyTorch gives them, so that the page can compare."""
    found = []
    for digit, pixels in enumerate(sample_pixels()):
        with torch.no_grad():
            scores = model(normalised(pixels, told))[0]
        found.append({"label": str(digit), "pixels": base64.b64encode(pixels).decode(), "scores": [float(s) for s in scores]})
    return found


def normalised(pixels: bytes, told: dict[str, Any]) -> torch.Tensor:
    """28 x 28 bytes as the network takes them: (1, 1, 28, 28), float32."""
    values = np.frombuffer(pixels, np.uint8).astype(np.float32).reshape(SHAPE) / np.float32(255)
    return torch.from_numpy((values - np.float32(told["data"]["mean"])) / np.float32(told["data"]["std"]))


def about(told: dict[str, Any], server: bool) -> list[str]:
    """What a reader should know about the numbers of the page."""
    lines = ["Sizes come from formulas that Python sent; the page evaluates them and knows no rule of its own."]
    if "result" in told:
        right, images = told["result"]["test_accuracy"], told["data"]["images"]["test"]
        lines.append(f"Trained by: {told['command']}. Data: {told['data']['name']}; {told['data']['split']}.")
        lines.append(
            f"Right on {round(right * images)} of {images} test images ({100 * right:.2f} %), which were not used for training or choosing."
        )
        lines.append("A score is no probability of being right: drawings unlike the training digits get high scores too.")
    lines.append(
        "PyTorch runs beside the page and is compared with it."
        if server
        else "This file is complete: it fetches nothing and sends nothing."
    )
    return lines


def policy(server: bool) -> str:
    """What the page may do, in a browser's words: its own script and style, and with a server, ask that server."""
    connect = "connect-src 'self'; " if server else ""
    scripts = f"script-src {digest(asset('play.js'))}; style-src {digest(asset('play.css'))}"
    return f"default-src 'none'; {scripts}; {connect}base-uri 'none'; form-action 'none'"


def document(data: dict[str, Any]) -> str:
    """The data, the page's code and its style as one file behind a closed door: nothing is fetched, no other script runs."""
    island = json.dumps(shown(data), separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy(data["server"])}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(shown(data["title"]))}</title>
<style>{asset("play.css")}</style>
</head>
<body>
<div id="page"><noscript>This page computes in the browser; please allow scripts.</noscript></div>
<script type="application/json" id="data">{island}</script>
<script>{asset("play.js")}</script>
</body>
</html>
"""


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
