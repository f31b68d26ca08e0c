"""What an error message means, from its words alone; with a model, the diagnosis as well."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from whyshape.analyses.diagnose.problem import Diagnosis
from whyshape.analyses.diagnose.reading import read
from whyshape.analyses.diagnose.sentences import TOLD
from whyshape.analyses.diagnose.text import clean
from whyshape.analyses.why import Answer
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph


def read_message(text: str, graph: Graph | None = None, model=None) -> Answer:
    """What a shape error of PyTorch says. With a ``graph`` that stops, also why; with its ``model``, changes that were tried.

    >>> print(read_message("mat1 and mat2 shapes cannot be multiplied (16x500 and 320x50)").sentences[0])
    500 numbers arrive where 320 are wanted: mat1 is your data, 16 rows of 500 numbers; mat2 is the layer, which wants 320 and gives 50.
    """
    text = text.strip()
    if not text:
        raise WhyshapeError("an error message is wanted, an empty one arrived")
    known = read(text)
    if known is None and graph is None:
        raise WhyshapeError(f"these words are not known: {clean(text)[:80]!r}; with a target and --input the model itself is asked")
    sentences = list(known.numbers.get("says") or TOLD[known.kind](known)) if known is not None else []
    sentences = [clean(s) for s in sentences] if known is not None and "says" in known.numbers else sentences
    if known is not None and known.kind == "batch" and graph is not None:
        sentences += rows_told(graph)
    if graph is not None:
        sentences += from_model(graph, model)
    return Answer(clean(text), tuple(sentences) or ("The model does not stop on this input.",))


def from_model(graph: Graph, model) -> Iterator[str]:
    """The chain behind the mismatch in this model, and the ways out."""
    if graph.problem is None:
        yield "On the input that was given this model does not stop: the message is about another input, or another model."
        return
    found = diagnosed(graph, model)
    if found is None or found.fits:
        p = graph.problem
        yield f"It stops in {clean(p.path or p.op)}: {clean(p.sentence)}."
        return
    for problem in found.problems:
        if problem.because:
            yield "; ".join(clean(link.says) for link in problem.because[:6]) + "."
        ways = [f for f in problem.fixes if f.verified][:3]
        if ways:
            yield (
                "Fixes, each tested by running it: "
                + "; ".join(f"({'abc'[i]}) {clean(f.says)} ({f.cost})" for i, f in enumerate(ways))
                + "."
            )


def diagnosed(graph: Graph, model) -> Diagnosis | None:
    """The diagnosis of the model on the inputs of the graph; None where there is no PyTorch model to try changes on."""
    if isinstance(model, str):
        from whyshape.readers.notation import THREAD

        if model != THREAD:
            return None
        from whyshape.lab.network import ThreadNet  # the same network, as PyTorch runs it

        model = ThreadNet()
    if model is None or isinstance(model, Graph):
        return None
    from whyshape.analyses.diagnose.run import diagnose

    tensors = [graph.tensors[i] for i in graph.inputs]
    return diagnose(model, [t.shape for t in tensors], dtypes=[t.dtype for t in tensors], mode="train" if graph.training else "eval")


def rows_told(graph: Graph) -> Iterator[str]:
    """Where rows of the batch were cut anew: the cause that shows only at the loss."""
    from whyshape.analyses.diagnose.rows import mixing

    for node in mixing(graph):
        before, after = graph.tensors[node.inputs[0]].shape, graph.tensors[node.outputs[0]].shape
        each = prod(before[1:])
        yield (
            f"{before[0]} * {each} numbers = {prod(before)} = {after[0]} * {prod(after[1:])}: view(-1, {after[-1]}) cut the numbers into rows of {after[-1]} and mixed "
            f"what belongs to different rows. flatten(1) keeps {before[0]} rows; then the true problem shows: {each} is not {after[-1]}."
        )


__all__ = ["read_message"]
