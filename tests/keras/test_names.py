"""What Keras calls a number: every name is one of the layer that the line shows, with the value it should have."""

import keras
import numpy as np
import pytest
from torch import nn

from whyshape import explain
from whyshape.analyses.translate_line import spelled
from whyshape.analyses.words_names import names, ours, told
from whyshape.analyses.words_notation import Notation
from whyshape.errors import WhyshapeError
from whyshape.readers.notation import THREAD
from whyshape.readers.torch import read

WORDS = {k: v for k, v in vars(keras.layers).items() if k[0].isupper()}

# a module, its input, numbers by our name that Keras' config holds too, numbers that nobody types there
MODULES = [
    (nn.Conv2d(4, 8, 3, 2), (1, 4, 9, 9), {"out_channels": 8, "kernel_size": (3, 3), "stride": (2, 2), "dilation": (1, 1), "groups": 1},
     ("in_channels",)),
    (nn.Conv1d(4, 8, 3), (1, 4, 9), {"out_channels": 8}, ("in_channels",)),
    (nn.Conv2d(4, 8, 3, groups=4), (1, 4, 9, 9), {"out_channels": 2, "kernel_size": (3, 3)}, ("in_channels",)),
    (nn.ConvTranspose2d(4, 8, 3, 2), (1, 4, 9, 9), {"out_channels": 8, "stride": (2, 2)}, ("in_channels",)),
    (nn.Linear(4, 3), (2, 4), {"out_features": 3}, ("in_features",)),
    (nn.Embedding(11, 4), (2, 5), {"num_embeddings": 11, "embedding_dim": 4}, ()),
    (nn.BatchNorm2d(4), (2, 4, 5, 5), {"eps": 1e-5, "momentum": 0.9}, ("num_features",)),
    (nn.LayerNorm(6), (2, 6), {"eps": 1e-5}, ("normalized_shape",)),
    (nn.GroupNorm(2, 4), (2, 4, 5, 5), {"num_groups": 2, "eps": 1e-5}, ("num_channels",)),
    (nn.MaxPool2d(3, 2), (1, 4, 9, 9), {"kernel_size": (3, 3), "stride": (2, 2)}, ()),
    (nn.AvgPool2d(2), (1, 4, 8, 8), {"kernel_size": (2, 2), "stride": (2, 2)}, ()),
    (nn.AdaptiveAvgPool2d(3), (1, 4, 8, 8), {"output_size": (3, 3)}, ()),
    (nn.Upsample(scale_factor=2), (1, 4, 5, 5), {"scale_factor": (2, 2)}, ()),
    (nn.ZeroPad2d(1), (1, 4, 5, 5), {"pad": ((1, 1), (1, 1))}, ()),
    (nn.Dropout(0.3), (2, 4), {"p": 0.3}, ()), (nn.Dropout2d(0.3), (2, 4, 5, 5), {"p": 0.3}, ()),
    (nn.Softmax(-1), (2, 4), {"dim": -1}, ()), (nn.LeakyReLU(0.2), (2, 4), {"negative_slope": 0.2}, ()),
    (nn.PReLU(4), (2, 4, 5, 5), {}, ("num_parameters",)),
    (nn.LSTM(4, 5, batch_first=True), (2, 3, 4), {"hidden_size": 5}, ("input_size",)),
    (nn.GRU(4, 5), (3, 2, 4), {"hidden_size": 5}, ("input_size",)),
]  # fmt: skip


@pytest.mark.parametrize("module, shape, values, read_there", MODULES, ids=[type(m).__name__ for m, *_ in MODULES])
def test_every_name_is_one_of_the_layer_there(module, shape, values, read_there):
    """Keras' own config and weights are asked by the name we give, and hold the value we have."""
    whole = isinstance(module, nn.Embedding)
    graph = read(module, shape, dtypes=["int64"] if whole else None, mode="train")
    node = graph.nodes[-1]
    notation = Notation(graph)
    known, (_, twin) = names(node, notation), spelled(node, notation)
    layer = eval(twin.layer, dict(WORDS))
    arrives = notation.there(node.inputs[0])
    layer(np.zeros((2, *arrives), "int32" if whole else "float32"))
    config = layer.get_config()
    for mine, value in values.items():
        held = config[known[mine]]
        assert (tuple(map(tuple, held)) if mine == "pad" else tuple(held) if isinstance(value, tuple) else held) == value, mine
        assert told(node, notation, mine).startswith("In Keras it is ")
    for mine in read_there:
        assert known[mine] == "" and mine not in config
        assert told(node, notation, mine, 4) == f"In Keras nobody types it: {twin.layer} reads 4 from what comes in."
    weights = {w.name for w in layer.weights}
    inside = {name for name in known.values() if name in ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "alpha",
                                                          "embeddings", "recurrent_kernel")}  # fmt: skip
    assert inside <= weights and not {n for n in known.values() if n} - set(config) - weights


def test_a_name_that_is_keras_is_understood():
    """filters, units, kernel: asked in Keras' words, answered in both."""
    answer = explain(THREAD, (1, 1, 28, 28))
    assert answer.why("conv_1.filters").sentences[0].startswith("filters is out_channels here. 10 [chosen] is how many maps")
    assert answer.why("fc1.units").sentences[0].startswith("units is out_features here. 50 [chosen]")
    assert answer.why("fc1.kernel").sentences[0].startswith("kernel is weight here. 16050 [learned]")
    assert answer.why("maxpool_1.pool_size").elsewhere == ("In Keras it is pool_size of MaxPooling2D(2).",)
    with pytest.raises(WhyshapeError, match="has no 'units'"):
        answer.why("conv_1.units")
    node = answer.graph.nodes[0]
    assert ours(node, Notation(answer.graph), "kernel_size") == ""


def test_the_numbers_of_the_thread_in_the_words_of_keras():
    """320 is typed by nobody; 10 is three things."""
    answer = explain(THREAD, (1, 1, 28, 28))
    assert answer.why(320).elsewhere == (
        "In Keras nobody types it: Dense(50) reads 320 from what comes in. Its rows stand in another order there.",
    )
    assert answer.why(10).elsewhere == (
        "conv.conv_1: in Keras it is filters of Conv2D(10, 5).",
        "conv.conv_2: in Keras nobody types it: Conv2D(20, 5) reads 10 from what comes in.",
        "fc.fc2: in Keras it is units of Dense(10).",
    )
    assert answer.why("conv_2.parameters").elsewhere == ("In Keras the kernel is stored as (5, 5, 10, 20).",)
    assert answer.why("conv_1").elsewhere[0].startswith("In Keras: Conv2D(10, 5) on (28, 28, 1) -> (24, 24, 10).")
    assert answer.why(320).to_dict()["elsewhere"] == list(answer.why(320).elsewhere)
    assert str(answer.why(320)).replace("\n", " ").endswith("Its rows stand in another order there.")


def test_keras_counts_the_running_values_too():
    """80 there, 40 learned here, as Keras itself counts."""
    answer = explain("BatchNorm2d(20)", (2, 20, 8, 8)).why("0.parameters")
    layer = keras.layers.BatchNormalization()
    layer.build((None, 8, 8, 20))
    assert layer.count_params() == 80 and sum(p.numel() for p in nn.BatchNorm2d(20).parameters()) == 40
    assert answer.sentences == ("40 [learned] is the number of parameters of 0: 20 scales + 20 shifts = 40.",)
    assert answer.elsewhere == ("Keras counts 80: the running values are among them.",)


def test_a_layer_without_a_twin_has_no_name_there():
    """The reason instead."""
    answer = explain("Conv2d(8, 16, 3, stride=2, dilation=2)", (2, 8, 9, 9)).why("0.out_channels")
    assert answer.elsewhere == ("In Keras this layer has no twin: Keras refuses strides and dilation both above 1.",)
