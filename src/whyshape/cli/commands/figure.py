"""`whyshape figure`: a picture for a paper or a lesson, every number from the model."""

from __future__ import annotations

import sys

from whyshape.cli import options as opt
from whyshape.cli.output import say
from whyshape.errors import WhyshapeError

HELP = "draw the architecture, a layer's window, steps or weights, the receptive field or a module's graph as SVG, PDF, PNG or TikZ"
KINDS = ("arch", "conv", "steps", "weight", "rf", "graph")
STYLES = ("lenet", "blocks", "table")
EPILOG = """\
arch   the whole model from left to right
conv   one layer: its window, what it makes, its formula
steps  one layer: why its size is the moves of the window plus 1
weight one layer: what it learns, as it is stored
rf     what the middle cell of each layer sees
graph  the parts of a module and how they are joined; -o x.dot for Graphviz
Naming a .py file or a package as TARGET imports it, which runs its code.
"""


def arguments(parser) -> None:
    parser.add_argument("kind", choices=KINDS, help="what to draw")
    opt.target(parser)
    opt.inputs(parser)
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the file; its ending says how: .svg .pdf .png .tex (.dot)")
    parser.add_argument("--layer", metavar="PATH", help="conv, steps, weight: which layer; graph: which module")
    parser.add_argument(
        "--width", choices=("column", "page"), help="84 mm or 174 mm (default: page for arch, what it needs for graph, column otherwise)"
    )
    parser.add_argument(
        "--style",
        choices=STYLES,
        default="lenet",
        help="arch: drawn sizes, plain blocks, or a table with what each stage learns and computes",
    )
    parser.add_argument(
        "--depth", type=opt.levels, default=1, metavar="N", help="graph: how many levels of modules are opened (default: 1)"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if FILE is not what the model gives now; a PyTorch model is run again"
    )


def run(options) -> int:
    from whyshape.api import explain
    from whyshape.writers.pictures import ending, put, scene_bytes, snippet
    from whyshape.writers.text import wrapped

    model, shapes = opt.model_of(options)
    answer = explain(model, shapes, dtypes=options.dtype, mode=options.mode, verify=options.check and _runs(model))
    kind, scene = ending(options.output), None
    if kind == "dot":
        if options.kind != "graph":
            raise WhyshapeError(".dot is written for graph only: whyshape figure graph -o model.dot")
        from whyshape.analyses.figure.dot import dot

        content = dot(answer.graph, options.layer or "", options.depth).encode()
    else:
        from whyshape.analyses.figure import drawn

        scene = drawn(answer.graph, options.kind, options.layer, options.width, options.style, options.depth)
        content = scene_bytes(scene, kind)
    if options.check:
        return _checked(options.output, content, answer)
    put(options.output, content)
    print(f"written: {options.output}", file=sys.stderr)
    if scene is not None:
        for note in _notes(scene, options.width):
            print(note, file=sys.stderr)
        say("\n\n".join(filter(None, ("\n".join(wrapped(f"{scene.title}. {scene.words}")), snippet(scene, options.output)))))
    return 0


def _notes(scene, width: str | None) -> list[str]:
    """What an author should know before printing: that the picture is wider than asked, or taller than a page."""
    from whyshape.story.scene import MM, TALLEST, WIDTHS

    found = []
    if width and scene.width > WIDTHS[width] + 0.5:
        found.append(f"note: what stands side by side needs {scene.width / MM:.0f} mm, more than the {WIDTHS[width] / MM:.0f} mm asked for")
    if scene.height > TALLEST:
        found.append(
            f"note: {scene.height / MM:.0f} mm tall, more than a page; --layer PATH draws one module, a smaller --depth opens fewer"
        )
    return found


def _runs(model) -> bool:
    """Whether PyTorch can be asked for the shapes too."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def _checked(path: str, content: bytes, answer) -> int:
    """1 if the file there is not what the model gives now, or if PyTorch disagrees with what it gives."""
    from whyshape.writers.pictures import stale

    old = stale(path, content)
    print(f"{path} {'is stale: the model gives other numbers or shapes now' if old else 'is what the model gives'}", file=sys.stderr)
    if answer.verified is None:
        return int(old)
    print(answer.verified_sentence(), file=sys.stderr)
    return int(old or bool(answer.verified.differences))
