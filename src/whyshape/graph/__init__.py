"""Frozen graphs, and sizes pushed through them."""

from whyshape.graph.builder import Builder, Stopped, Value
from whyshape.graph.derive import Demand, Derived, Pushed, axis_words, derive, free, letters, push, resolve
from whyshape.graph.graph import Graph, Module, Node, Problem, Ref, Tensor, rebuild

__all__ = [
    "Builder", "Demand", "Derived", "Graph", "Module", "Node", "Problem", "Pushed", "Ref", "Stopped", "Tensor", "Value", "axis_words",
    "derive", "free", "letters", "push", "rebuild", "resolve",
]  # fmt: skip
