"""`whyshape annotate`: your own source with the sizes that every line gives."""

from __future__ import annotations

import sys

from whyshape.cli import options as opt
from whyshape.cli.output import write, write_json
from whyshape.errors import WhyshapeError

HELP = "your source with the sizes of every line; and whether the comments that say sizes are true"
EPILOG = """\
examples:
  whyshape annotate net.py:Net --input 1,1,28,28            print the classes that ran, annotated
  whyshape annotate net.py:Net --input 1,1,28,28 --write    put the comments into net.py
  whyshape annotate net.py:Net --input 1,1,28,28 --check    exit 1 if a comment is not true
  whyshape annotate net.py:Net --input 1,1,28,28 --keras    10x24x24 (Keras: 24x24x10)
Comments of ours begin with "# -> " and are written anew each time; yours are
kept. Files of yours that net.py imports from its own folder are annotated too,
installed packages never. Naming a .py file imports it, which runs its code.
"""


def arguments(parser) -> None:
    opt.target(parser)
    opt.inputs(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--write", action="store_true", help="put the comments into the files; nothing else in them changes")
    how.add_argument("--check", action="store_true", help="only say which comments are not true, also those written by hand")
    opt.both(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the answer to a file instead of the screen")


def run(options) -> int:
    from whyshape.analyses.annotate import annotate
    from whyshape.writers.plain import one_line, safe

    if options.target is None:
        raise WhyshapeError("annotate needs your own code: whyshape annotate file.py:Net --input 1,1,28,28")
    answer = annotate(options.target, opt.shapes(options.input), dtypes=options.dtype, mode=options.mode, both=options.both)
    written = answer.write() if options.write else []
    left = answer.stale if options.check else [stale for stale in answer.stale if not stale.ours]
    if options.json:
        write_json(answer.to_dict(), options)
    elif options.check:
        count = answer.checked
        told = [str(stale) for stale in left] + [f"{count} comment{'s' if count != 1 else ''} checked, {len(left)} not true"]
        write(safe("\n".join(told)), options)
    elif not options.write:
        write("\t".join(map(safe, str(answer).split("\t"))), options)  # tabs of the source stay tabs
    for note in answer.notes:
        print(f"note: {one_line(note)}", file=sys.stderr)
    if not options.check:
        for stale in left:
            print(f"warning: {one_line(str(stale))}", file=sys.stderr)
    for path in written:
        print(f"written: {one_line(path)}", file=sys.stderr)
    if options.write and not written:
        print("nothing to write: every comment is there already", file=sys.stderr)
    return 1 if left or answer.problem is not None else 0
