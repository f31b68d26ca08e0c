"""`whyshape solve "28 -> 14"`: which settings of a layer take a size to a size, all of them."""

from __future__ import annotations

from typing import Any

HELP = "which settings of a layer take a size to a size: all of them, the usual ones first"
EPILOG = """\
examples:
  whyshape solve "28 -> 14"
  whyshape solve "14 -> 28" --op transpose
  whyshape solve "224 -> 112 for every even size" --kernel-size 3..7
  whyshape solve "28..31 -> 7" --op pool
  whyshape solve "224 -> 7 in 5 layers" --kernel-size 3,5,7 --dilation 1
  whyshape solve "224 -> 112" --same-as keras
  whyshape solve "28 -> 14" --keras                     each as Keras writes it
"""
SETTINGS = ("kernel_size", "stride", "padding", "dilation", "output_padding", "ceil_mode")


def arguments(parser) -> None:
    from whyshape.cli.options import output

    parser.add_argument("question", metavar="QUESTION", help='as "28 -> 14", "224 -> 112 for every even size", "224 -> 7 in 5 layers"')
    parser.add_argument(
        "--op", action="append", choices=("conv", "pool", "transpose"), help="the kind of layer (default: conv); repeat for several"
    )
    for name in SETTINGS:
        values_of = "true, false or both, as true,false" if name == "ceil_mode" else "3, 3..7 or 1,3,5"
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="VALUES", help=f"the values to look at: {values_of}")
    parser.add_argument("--same-as", choices=("keras",), help="the same values as Keras' padding='same', not only the same size")
    parser.add_argument("--all", action="store_true", help="print every setting found")
    parser.add_argument("--keras", action="store_true", help="every setting in Keras' words too, not only the first")
    output(parser)


def values(name: str, text: str) -> list[int]:
    """The numbers of ``3``, ``3..7`` or ``1,3,5``.

    >>> values("stride", "1..3,5")
    [1, 2, 3, 5]
    """
    from whyshape.errors import WhyshapeError

    if name == "ceil_mode":
        text = text.lower().replace("true", "1").replace("false", "0")
    found: list[int] = []
    for part in text.split(","):
        low, dots, high = part.strip().partition("..")
        if not (low.isdecimal() and (high.isdecimal() or not dots)) or len(low) > 9 or len(high) > 9:
            raise WhyshapeError(f"--{name.replace('_', '-')} takes whole numbers as 3, 3..7 or 1,3,5; {text!r} arrived")
        first, last = int(low), int(high) if dots else int(low)
        if last < first:
            raise WhyshapeError(f"--{name.replace('_', '-')} {part.strip()} is empty: its end comes before its start")
        if last - first > 10_000:
            raise WhyshapeError(f"--{name.replace('_', '-')} {part.strip()} holds more than 10,000 values")
        found += range(first, last + 1)
    return found


def run(options) -> int:
    from whyshape.analyses.solve import solve
    from whyshape.cli.output import show_lines

    given: dict[str, Any] = {name: values(name, text) for name in SETTINGS if (text := getattr(options, name))}
    found = solve(options.question, op=options.op or ["conv"], same=options.same_as or "", **given)
    show_lines(found.text(len(found) if options.all else 12, options.keras), found.to_dict(options.keras), options, wrap=False)
    return 0 if found.total else 1
