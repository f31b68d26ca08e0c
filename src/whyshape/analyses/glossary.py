"""The words a page about a network cannot do without, one sentence each."""

from __future__ import annotations

GLOSSARY = {
    "map": "One grid of numbers that a layer makes; also called a channel or a feature map.",
    "channels": "How many maps there are; you count them, no formula gives them.",
    "place": "One row and column of a map; every map of a layer has the same places.",
    "kernel": "The small block of learned numbers that a convolution slides over its input.",
    "kernel size": "How many rows and columns one kernel covers.",
    "stride": "How many places the window moves at each step.",
    "padding": "Rows and columns put around the input before the window moves.",
    "dilation": "The distance between neighbouring cells of a kernel; 1 means side by side.",
    "groups": "The input maps are split into so many groups, and each kernel reads one group.",
    "floor": "Round down to a whole number.",
    "flatten": "Put all maps into one row of numbers, one map after the other.",
    "receptive field": "The part of the image that can change one output number.",
    "parameter": "A number that training changes; also called a weight.",
    "MAC": "One multiplication and one addition.",
}
