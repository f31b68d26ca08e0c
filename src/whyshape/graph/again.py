"""A graph asked again: at other input sizes, or with other arguments of a call. Every rule answers anew; what was measured stays."""

from __future__ import annotations

from collections.abc import Mapping

from whyshape.errors import DoesNotFit, WhyshapeError
from whyshape.graph.derive import flat
from whyshape.graph.graph import Graph, Problem, Tensor, rebuild
from whyshape.rules import Spec
from whyshape.rules.base import Unexplained
from whyshape.sizes import Size, plain, substitute


def again(graph: Graph, shapes: Mapping[int, tuple[int, ...]], args: Mapping[int, tuple] | None = None) -> Graph:
    """The graph with its inputs (by tensor index) at these ``shapes``, and the calls (by node index) with these ``args``.

    Sizes that the model's code computed are computed again. It ends where a rule refuses, with the `Problem`.
    Raises `WhyshapeError` where a call was measured: its result at another size is not known.

    >>> from whyshape.api import read
    >>> net = read("Conv2d(1, 10, 5) > Flatten", (1, 1, 8, 8))
    >>> other = again(net, {net.inputs[0]: (2, 1, 9, 8)})
    >>> other.tensors[other.outputs[0]].shape
    (2, 200)
    """
    tensors: list[Tensor] = list(graph.tensors)
    for index, shape in shapes.items():
        tensors[index] = tensors[index]._replace(shape=tuple(shape))
    touched = {i for i in shapes if tuple(shapes[i]) != graph.tensors[i].shape}

    def leaf_at(at):
        ref = at.leaf.ref
        return Size(tensors[ref[1]].shape[ref[2]], "leaf", (), at.leaf) if ref and ref[0] == "axis" else at

    size = lambda n: substitute(n, leaf_at) if isinstance(n, Size) else n
    spec = lambda ref: Spec(tensors[ref.tensor].shape, tensors[ref.tensor].dtype)
    nodes, problem = [], None
    for node in graph.nodes:
        node = node._replace(args=(args or {}).get(node.index, node.args))
        node = node._replace(args=rebuild(node.args, lambda r: r, size), kwargs=rebuild(node.kwargs, lambda r: r, size))
        if node.rule is None:
            if touched.intersection(node.inputs):
                raise WhyshapeError(f"{node.path or node.op} was measured; what it gives at another size is not known")
            nodes.append(node)
            continue
        try:
            made = node.rule.shape(*rebuild(node.args, spec), **rebuild(node.kwargs, spec))
        except Unexplained as why:
            raise WhyshapeError(f"{node.path or node.op} cannot be asked again: {why}") from None
        except DoesNotFit as no:
            problem = Problem(no.sentence, no.numbers, node.op, node.path, node.type, node.file, node.line, node.args, node.kwargs)
            break
        for index, shape in zip(node.outputs, flat(made)):
            shape = plain(shape)
            if shape != tensors[index].shape:
                touched.add(index)
                tensors[index] = tensors[index]._replace(shape=shape, strides=None)
        nodes.append(node)
    stopped = graph.problem if problem is None else problem
    return graph._replace(tensors=tuple(tensors), nodes=tuple(nodes), problem=stopped)


__all__ = ["again"]
