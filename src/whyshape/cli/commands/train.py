"""``whyshape train``: teach the thread's network to read digits."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path

from whyshape.cli.output import say

HELP = "train the thread's network on handwritten digits"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", default="digits", metavar="DATA",
        help="digits (scikit-learn's, no network), mnist (fetched from OpenML), or a folder with MNIST's four IDX files",
    )  # fmt: skip
    parser.add_argument("-o", "--output", default="whyshape-run", metavar="FOLDER", help="where the run is kept")
    parser.add_argument("--resume", action="store_true", help="go on with the run in FOLDER from its last epoch")
    parser.add_argument("--head", choices=["flatten", "view"], default="flatten", help="the tutorial wrote view(-1, 320)")
    parser.add_argument("--epochs", type=int, help="how often to go through the training images")
    parser.add_argument("--batch-size", type=int, help="images per step, over all devices together")
    parser.add_argument("--peak-rate", type=float, metavar="RATE", help="the highest learning rate")
    parser.add_argument("--patience", type=int, metavar="EPOCHS", help="stop when so many epochs brought nothing better")
    parser.add_argument("--seed", type=int, help="0 unless told; the same seed gives the same weights on one device")
    parser.add_argument("--accelerator", default="auto", help="auto, cpu, gpu, mps ...: as Lightning Fabric calls them")
    parser.add_argument("--devices", default="auto", help="how many devices, or auto for all of them")
    parser.add_argument("--nodes", type=int, default=1, help="how many machines")
    parser.add_argument("--json", action="store_true", help="print the facts of the trained network as JSON")


def run(options: argparse.Namespace) -> int:
    from whyshape.lab import needs_extra

    with needs_extra("lab"):
        from whyshape.lab import data, recipe, trained
        from whyshape.lab.curves import curves
        from whyshape.lab.progress import Bar
        from whyshape.lab.state import write_atomic
        from whyshape.lab.train import begun, engine, train

    chosen = recipe.recipe_for(options.data).changed(
        epochs=options.epochs, batch_size=options.batch_size, peak_rate=options.peak_rate,
        patience=options.patience, seed=options.seed,
    )  # fmt: skip
    digits, folder = data.load(options.data), Path(options.output)
    fabric = engine(options.accelerator, options.devices, options.nodes)
    batches = -(-len(digits.train) // chosen.batch_size)
    with Bar(chosen.epochs, batches, done=begun(folder), show=fabric.is_global_zero) as bar:
        result = train(digits, chosen, folder, options.resume, options.head, fabric, bar)
    if not fabric.is_global_zero:
        return 0
    told = trained.facts(result, digits, chosen, command(options))
    trained.write(folder / "model.json", result, told)
    write_atomic(folder / "curves.svg", curves(result.history, result.test[1]).encode())
    say(json.dumps(told, indent=2) if options.json else report(result, digits, folder))
    return 0


def command(options: argparse.Namespace) -> str:
    """The command that makes this network again: what was asked, without the names of folders."""
    words = ["whyshape", "train"]
    for name in ("data", "head", "epochs", "batch_size", "peak_rate", "patience", "seed"):
        value = getattr(options, name)
        if name == "data" and value not in ("digits", "mnist"):
            value = "FOLDER"
        words += [f"--{name.replace('_', '-')}", str(value)] if value is not None else []
    return shlex.join(words)


def report(result, digits, folder: Path) -> str:
    def share(part, right: float) -> str:
        return f"{100 * right:.2f} % right ({round(right * len(part))} of {len(part)})"

    return "\n".join([
        f"data        {digits.name}; {digits.split}",
        f"epochs      {len(result.history)} run, the best was {result.best_epoch} (lowest validation loss)",
        f"validation  {share(digits.validation, result.validation[1])}",
        f"test        {share(digits.test, result.test[1])}; looked at once, after the choice",
        f"kept        {folder / 'model.safetensors'}, model.json, curves.svg",
    ])  # fmt: skip
