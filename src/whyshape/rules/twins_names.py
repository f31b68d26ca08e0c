"""What Keras calls the numbers and the weights of an operator.

Under the question "renamed" stands, for an operator, PyTorch's name beside Keras'. An empty name: nobody types it in Keras, the layer
reads it from what comes in. For Keras' own operators the table is read the other way.
"""

from __future__ import annotations

from whyshape.rules.base import told

WEIGHTS = {"weight": "kernel", "bias": "bias"}
NORM = {"weight": "gamma", "bias": "beta", "eps": "epsilon"}
POOL = {"kernel_size": "pool_size", "stride": "strides", "padding": "padding"}
WINDOW = {"kernel_size": "kernel_size", "stride": "strides", "padding": "padding", "dilation": "dilation_rate"}
CELL = {"input_size": "", "hidden_size": "units", "weight_ih_l0": "kernel", "weight_hh_l0": "recurrent_kernel",
        "bias_ih_l0": "bias", "bias_hh_l0": "bias"}  # fmt: skip


def _conv(call) -> dict[str, str]:
    per_group, groups = int(call.weight.shape[1]), int(call.groups)
    if per_group == 1 and groups > 1:  # a kernel for each map: out_channels is groups times this
        return {"in_channels": "", "out_channels": "depth_multiplier", "groups": "", **WINDOW, **WEIGHTS}
    return {"in_channels": "", "out_channels": "filters", "groups": "groups", **WINDOW, **WEIGHTS}


for _n in (1, 2, 3):
    told("renamed", _conv, f"conv{_n}d")
    told("renamed", {"in_channels": "", "out_channels": "filters", **WINDOW, **WEIGHTS}, f"conv_transpose{_n}d")
    told("renamed", POOL, f"max_pool{_n}d avg_pool{_n}d")
    told("renamed", {"output_size": "output_size"}, f"adaptive_avg_pool{_n}d adaptive_max_pool{_n}d")
told("renamed", {"in_features": "", "out_features": "units", **WEIGHTS}, "linear")
told("renamed", {"num_embeddings": "input_dim", "embedding_dim": "output_dim", "weight": "embeddings"}, "embedding")
told("renamed", {"num_features": "", "momentum": "momentum", "running_mean": "moving_mean", "running_var": "moving_variance", **NORM},
     "batch_norm")  # fmt: skip
told("renamed", {"normalized_shape": "", **NORM}, "layer_norm")
told("renamed", {"num_groups": "groups", "num_channels": "", **NORM}, "group_norm")
told("renamed", {"p": "rate"}, "dropout dropout1d dropout2d dropout3d alpha_dropout feature_dropout")
told("renamed", {"dim": "axis"}, "softmax log_softmax cat concat concatenate")
told("renamed", {"pad": "padding"}, "pad")
told("renamed", {"scale_factor": "size"}, "interpolate upsample")
told("renamed", {"negative_slope": "negative_slope"}, "leaky_relu")
told("renamed", {"num_parameters": "", "weight": "alpha"}, "prelu")
told("renamed", CELL, "lstm gru rnn_tanh rnn_relu")
told("renamed", {"embed_dim": "", "num_heads": "num_heads"}, "multi_head_attention_forward")

# Keras' operators: its name beside PyTorch's. in_channels and in_features are typed there.
_KERAS_CONV = {"filters": "out_channels", "in_channels": "in_channels", "groups": "groups", "kernel_size": "kernel_size", "strides": "stride",
               "padding": "padding", "dilation_rate": "dilation", "kernel": "weight", "bias": "bias"}  # fmt: skip
for _n in (1, 2, 3):
    told("renamed", _KERAS_CONV, f"keras.conv{_n}d keras.conv_transpose{_n}d")
    told("renamed", {**_KERAS_CONV, "depth_multiplier": "out_channels"}, f"keras.depthwise{_n}d")
told("renamed", {"pool_size": "kernel_size", "strides": "stride", "padding": "padding"}, "keras.pool")
told("renamed", {"in_features": "in_features", "units": "out_features", "kernel": "weight", "bias": "bias"}, "keras.dense")
told("renamed", {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var", "epsilon": "eps"},
     "keras.norm")  # fmt: skip
told("renamed", {"units": "hidden_size", "kernel": "weight_ih_l0", "recurrent_kernel": "weight_hh_l0"}, "keras.recurrent")
