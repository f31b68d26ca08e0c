"""Frozen graphs, and sizes pushed through them."""

from whyshape.graph.builder import Builder, Stopped, Value
from whyshape.graph.derive import Demand, Derived, Pushed, axis_words, derive, free, letters, push, resolve
from whyshape.graph.graph import Graph, Module, ModuleCall, Node, Problem, Ref, State, Tensor, rebuild
from whyshape.graph.later import Later, later
from whyshape.graph.pause import collector_paused
from whyshape.graph.run import Run, Step, numbers, step

__all__ = [
    "Builder", "Demand", "Derived", "Graph", "Later", "Module", "ModuleCall", "Node", "Problem", "Pushed", "Ref", "Run", "State", "Step", "Stopped",
    "Tensor", "Value", "axis_words", "collector_paused", "derive", "free", "later", "letters", "numbers", "push", "rebuild", "resolve", "step",
]  # fmt: skip
