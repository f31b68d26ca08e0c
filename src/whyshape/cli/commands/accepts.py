"""`whyshape accepts`: the exact set of inputs a model takes, and what to change for one it does not."""

from __future__ import annotations

import sys

from whyshape.cli import options as opt
from whyshape.cli.output import show_lines
from whyshape.errors import WhyshapeError

HELP = "the exact set of inputs a model takes, with the layers that decide it"
EPILOG = """\
examples:
  whyshape accepts                                    the thread's network, --input N,1,H,W
  whyshape accepts net.py:Net --input N,3,H,W
  whyshape accepts net.py:Net --input 1,3,S,S         square inputs only
  whyshape accepts --for 512x512                      what to change so that this size fits
Naming a .py file or a package as TARGET imports it, which runs its code.
"""


def arguments(parser) -> None:
    opt.target(parser)
    opt.inputs(parser)
    parser.add_argument(
        "--for",
        dest="size",
        metavar="SIZE",
        help="a size for the letters after the batch, as 512x512: does it fit, and if not, what would make it",
    )
    opt.output(parser)


def run(options) -> int:
    from whyshape.api import accepts
    from whyshape.readers import target

    options.input = options.input or (["N,1,H,W"] if options.target is None else None)
    if options.input is None and target.is_file(options.target):
        options.input = stated(options.target)
    if options.input is None:
        raise WhyshapeError("an input is needed, with letters for free axes: add --input, as --input N,3,H,W")
    model, shapes = opt.model_of(options)
    found = accepts(model, shapes, dtypes=options.dtype, mode=options.mode)
    data, lines = found.to_dict(), str(found).splitlines()
    if found.constraints:
        lines += ["", "what decides it:", *(f"  {c}" for c in found.constraints)]
    fits = not found.empty
    if options.size:
        at = sizes(options.size, found)
        fits = found.contains(**at)
        told = [] if fits else changes(model, shapes, at, found, options)
        data["for"] = {"sizes": at, "fits": fits, "changes": told}
        text = ", ".join(f"{letter}={n}" for letter, n in at.items())
        rest = found.where(**at)
        if not fits and not rest.empty:  # with some sizes of the axes that were not named
            data["for"]["only"] = only = str(rest).splitlines()[0]
            lines += ["", f"{text} fits only with {only}."]
        else:
            lines += ["", f"{text} fits." if fits else f"{text} does not fit."]
        lines += ["changes, each run again:", *(f"  {line}" for line in told)] if told else []
    show_lines("\n".join(lines), data, options)
    return 0 if fits else 1


def stated(path: str) -> list[str] | None:
    """The inputs as the file itself states them; None where it leaves no axis free."""
    from whyshape.api import read

    graph = read(path)
    tensors = [graph.tensors[i] for i in graph.inputs]
    if not any(any(t.axes) for t in tensors):
        raise WhyshapeError(
            f"{path} fixes every axis of its inputs: {' and '.join('x'.join(map(str, t.shape)) for t in tensors)}, nothing else"
        )
    return [",".join(letter or str(n) for letter, n in zip(t.axes or ("",) * len(t.shape), t.shape)) for t in tensors]


def sizes(text: str, found) -> dict[str, int]:
    """The sizes of ``512x512`` for the letters, the batch left out where it is not named."""
    given = opt.shape(text)
    letters = found.letters if len(given) == len(found.letters) else tuple(n for n in found.letters if n != found.batch)
    if any(isinstance(n, str) or n < 1 for n in given) or len(given) != len(letters):
        raise WhyshapeError(
            f"--for takes a size from 1 up for each of {', '.join(letters)}, as {'x'.join(['512'] * len(letters))}; {text!r} arrived"
        )
    return dict(zip(letters, given))


def changes(model, shapes, at: dict[str, int], found, options) -> list[str]:
    """What would make the size fit: the nearest input that does, and the fixes of a diagnosis; each was run."""
    from whyshape.readers import target
    from whyshape.readers.again import again

    if target.is_file(model):
        return changes_of_file(model, shapes, at, found, options)
    read = again(model, shapes, options.dtype, options.mode)
    told = []
    near = found.nearest(**at)
    if near is not None and any(near[letter] != n for letter, n in at.items()) and read.runs([near]) == [True]:
        told.append(f"an input of {'x'.join(str(near[letter]) for letter in at)}, the nearest that fits")
    if options.target is None:
        try:
            model = target.load(None)
        except ModuleNotFoundError:  # the answer needs no framework, changes of the model do
            print("note: with torch installed, changes of the network are tried too", file=sys.stderr)
            return told
    if isinstance(model, str):
        return told
    from whyshape.analyses.diagnose import diagnose

    whole = {found.batch: 2, **at} if found.batch else at
    asked = [tuple(whole.get(n, 1) if isinstance(n, str) else n for n in shape) for shape in shapes]
    diagnosis = diagnose(model, asked, dtypes=options.dtype, mode=options.mode)
    for problem in diagnosis.problems:
        told += [f"{fix.says} ({fix.cost})" for fix in problem.fixes if fix.verified]
    return told


def changes_of_file(path: str, shapes, at, found, options) -> list[str]:
    """The fixes of a file's diagnosis, each asked of the file again."""
    from whyshape.analyses.diagnose_graph import diagnose_graph

    whole = {found.batch: 1, **at} if found.batch else at
    asked = [tuple(whole.get(n, 1) if isinstance(n, str) else n for n in shape) for shape in shapes]
    return [fix.says for p in diagnose_graph(path, asked, options.dtype).problems for fix in p.fixes if fix.verified]
