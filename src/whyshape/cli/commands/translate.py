"""`whyshape translate`: the same network in the other notation."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.cli.output import write, write_json
from whyshape.errors import WhyshapeError

HELP = "write a network in the other notation, PyTorch or Keras, and run both sides"
EPILOG = "Naming a .py file or a package as TARGET imports it, which runs its code.\n"


def arguments(parser) -> None:
    opt.target(parser)
    parser.add_argument("--to", choices=("keras", "torch"), required=True, help="the notation to write")
    opt.inputs(parser, "")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--weights", action="store_true", help="move the weights out of a .keras file, into a .pt file beside --output")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the code to a file instead of the screen")


def run(options) -> int:
    from whyshape.analyses.translate import translate
    from whyshape.readers import target as targets

    shapes = opt.shapes(options.input)
    if options.to == "keras":
        kind = targets.kind_of(options.target) if options.target else "python"
        if kind == "keras":
            raise WhyshapeError(f"{options.target} is written in Keras already; --to torch writes it in PyTorch.")
        if kind != "python":
            raise WhyshapeError(f"{options.target} is no PyTorch model; to Keras a live one is translated: name it as file.py:Net.")
        if options.target is None:
            shapes = shapes or [(1, 1, 28, 28)]
        if not shapes:
            raise WhyshapeError("An input is needed to translate: add --input 1,3,224,224.")
        given = shapes if len(shapes) > 1 else shapes[0]
        if any(not isinstance(n, int) for s in shapes for n in s):
            raise WhyshapeError("A network is translated at one size: give --input as numbers, without letters.")
        made = translate(targets.load(options.target, real=True), "keras", given, dtypes=options.dtype)
    else:
        if options.target is None or targets.kind_of(options.target) != "keras":
            raise WhyshapeError("To PyTorch a .keras file is translated; for a live model call translate(model, to='torch') in Python.")
        if options.weights and not options.output:
            raise WhyshapeError("The weights go into a .pt file beside the code: say where with -o net.py.")
        made = translate(options.target, "torch", shapes[0] if shapes else None, options.weights)
        if made.model is not None:
            made.notes = (
                *made.notes,
                f"the weights are in {held(made.model, options.output)}; load them with model.load_state_dict(torch.load(...))",
            )
    if options.json:
        write_json(made.to_dict(), options)
    else:
        write(str(made), options)
    return 1 if made.missing else 0


def held(model, output: str) -> str:
    """The file with the model's weights, beside its code."""
    from pathlib import Path

    import torch

    path = Path(output).with_suffix(".pt")
    torch.save(model.state_dict(), path)
    return path.name
