"""Attention, recurrent layers with their states and directions, tables and GELUs: both ways, the same numbers on both sides."""

import keras
import numpy as np
import pytest
import torch
from torch import nn

from whyshape.analyses.translate import translate

L = keras.layers


def drawn(model):
    """Biases that are not zero, slopes that are not one: a weight in the wrong place shows."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.4)
    return model.eval()


def random_weights(model):
    draw = np.random.default_rng(0)
    for weight in model.weights:
        if "seed" not in weight.path:
            weight.assign(draw.normal(0, 0.4, weight.shape))
    return model


def same(made):
    assert not made.missing, made
    assert made.largest_value > 1e-2 and made.largest_difference <= 1e-5 * max(1.0, made.largest_value), str(made)[:200]
    return made


class Attends(nn.Module):
    def __init__(self, weights=False, **words):
        super().__init__()
        self.attend, self.weights = nn.MultiheadAttention(8, 2, **words), weights

    def forward(self, query, key=None, value=None):
        key = query if key is None else key
        made, weights = self.attend(query, key, key if value is None else value, need_weights=self.weights)
        return (made, weights) if self.weights else made


class Reads(nn.Module):
    def __init__(self, kind, pick, **words):
        super().__init__()
        self.memory, self.pick = kind(5, 7, **words), pick

    def forward(self, x):
        steps, states = self.memory(x)
        return self.pick(steps, *(states if isinstance(states, tuple) else (states, None)))


TO_KERAS = {
    "attention": (lambda: Attends(batch_first=True), (1, 5, 8)),
    "its weights too": (lambda: Attends(True, batch_first=True), [(1, 5, 8), (1, 6, 8)]),
    "batch second": (lambda: Attends(), [(5, 1, 8), (6, 1, 8)]),
    "three inputs, no bias": (lambda: Attends(batch_first=True, bias=False), [(1, 5, 8), (1, 6, 8), (1, 6, 8)]),
    "other keys and values": (lambda: Attends(batch_first=True, kdim=3, vdim=4), [(1, 5, 8), (1, 6, 3), (1, 6, 4)]),
    "encoder": (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2), (1, 5, 8)),
    "encoder, norm first": (lambda: nn.TransformerEncoderLayer(8, 2, 16, norm_first=True, activation="gelu", batch_first=True), (1, 5, 8)),
    "encoder, batch second": (lambda: nn.TransformerEncoderLayer(8, 2, 16), (5, 1, 8)),
    "decoder": (lambda: nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), [(1, 5, 8), (1, 6, 8)]),
    "transformer": (lambda: nn.Transformer(8, 2, 1, 1, 16), [(5, 1, 8), (6, 1, 8)]),
    "every state": (lambda: Reads(nn.LSTM, lambda y, h, c: (y, h, c), batch_first=True, num_layers=2, bidirectional=True), (1, 6, 5)),
    "last state": (lambda: Reads(nn.LSTM, lambda y, h, c: h[-1], batch_first=True), (1, 6, 5)),
    "both last states": (lambda: Reads(nn.GRU, lambda y, h, _: torch.cat([h[-2], h[-1]], 1), batch_first=True, bidirectional=True), (1, 6, 5)),
    "state squeezed": (lambda: Reads(nn.GRU, lambda y, h, _: h.squeeze(0)), (6, 1, 5)),
    "last step, batch second": (lambda: Reads(nn.GRU, lambda y, h, _: y[-1] * h[0], num_layers=2), (6, 1, 5)),
    "turned by hand": (lambda: Reads(nn.RNN, lambda y, h, _: (y.permute(1, 2, 0), h.transpose(0, 1), y.permute(2, 1, 0)), bidirectional=True), (6, 1, 5)),
    "gelus": (lambda: nn.Sequential(nn.Linear(5, 6), nn.GELU("tanh"), nn.LayerNorm(6, bias=False), nn.GELU(), nn.LayerNorm([4, 6])), (1, 4, 5)),
}  # fmt: skip


@pytest.mark.parametrize("name", TO_KERAS)
def test_pytorch_sequences_to_keras(name):
    """Heads, thirds of the joint projection, states, and sequences whose batch is PyTorch's second axis."""
    make, size = TO_KERAS[name]
    same(translate(drawn(make()), "keras", size))


class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 8, padding_idx=0)
        self.encoder, self.head = nn.TransformerEncoderLayer(8, 2, 16), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.encoder(self.table(x)).mean(0))


def test_a_text_model_batch_second():
    """Row numbers (steps, batch) here, (batch, steps) there, which is said."""
    made = same(translate(drawn(Text()), "keras", (5, 1), dtypes=["int64"]))
    assert made.notes == ("the inputs whose batch is PyTorch's second axis have it first here",)
    assert 'layers.MultiHeadAttention(2, 4, name="encoder_self_attn")(x, x)' in made.code and "ops.mean(x, axis=(1,))" in made.code


class Masked(Attends):
    """Attention under masks: of padding (an input), of what lies ahead, of both; or of numbers that are added."""

    def __init__(self, ahead=False, added=False, **words):
        super().__init__(**words)
        self.ahead, self.added = ahead, added

    def forward(self, x, hidden=None):
        ahead = torch.ones(5, 5, dtype=torch.bool).triu(1) if self.ahead else None
        return self.attend(x, x, x, key_padding_mask=None if self.added else hidden, attn_mask=hidden if self.added else ahead)[0]


class Fused(nn.Module):
    """Queries, keys and values of one product, taken apart as timm does; PyTorch's attention, told what is seen."""

    def __init__(self, **words):
        super().__init__()
        self.qkv, self.words = nn.Linear(8, 24), words

    def forward(self, x, seen=None):
        q, k, v = self.qkv(x).reshape(x.shape[0], -1, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        return nn.functional.scaled_dot_product_attention(q, k, v, seen, **self.words).transpose(1, 2).reshape(x.shape[0], -1, 8)


class Begins(Reads):
    """A recurrent layer whose first states come in."""

    def forward(self, x, *states):
        return self.memory(x, states if len(states) > 1 else states[0])[0]


class Token(nn.Module):
    """An image in patches behind a class token, places learned, as a vision transformer begins."""

    def __init__(self):
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 3)
        self.token, self.places = nn.Parameter(torch.zeros(1, 1, 8)), nn.Parameter(torch.zeros(1, 5, 8))

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        return self.head(x[:, 0].clamp(-1, 1)), torch.stack([x, x * 2], 1)


states = lambda kind, many, **words: (
    lambda: Begins(kind, None, batch_first=True, **words),
    [(1, 6, 5)] + [(many, 1, 7)] * (1 + (kind is nn.LSTM)),
)
MASKS = {
    "padding": (lambda: Masked(batch_first=True), [(1, 5, 8), (1, 5)], ["float32", "bool"]),
    "padding, batch second": (lambda: Masked(), [(5, 1, 8), (1, 5)], ["float32", "bool"]),
    "ahead": (lambda: Masked(True, batch_first=True), (1, 5, 8), None),
    "both": (lambda: Masked(True, batch_first=True), [(1, 5, 8), (1, 5)], ["float32", "bool"]),
    "fused": (Fused, (1, 5, 8), None),
    "fused, causal": (lambda: Fused(is_causal=True), (1, 5, 8), None),
    "fused, scaled": (lambda: Fused(scale=0.3), (1, 5, 8), None),
    "fused, numbers added": (Fused, [(1, 5, 8), (1, 2, 5, 5)], None),
    "rnn begins": (*states(nn.RNN, 1), None),
    "gru begins": (*states(nn.GRU, 2, num_layers=2), None),
    "lstm begins": (*states(nn.LSTM, 4, num_layers=2, bidirectional=True), None),
    "token": (Token, (1, 3, 8, 8), None),
}  # fmt: skip


@pytest.mark.parametrize("name", MASKS)
def test_masks_first_states_and_tokens_to_keras(name):
    """What is hidden here is what is not seen there; states of every layer and direction; a token once for every image."""
    make, size, kinds = MASKS[name]
    same(translate(drawn(make()), "keras", size, dtypes=kinds))


class Twice(nn.Module):
    """A flattened image normed as it lies, which asks for its numbers in PyTorch's order: a Flatten of ours beside the model's own."""

    def __init__(self):
        super().__init__()
        self.maps, self.flatten, self.scale = nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Parameter(torch.ones(4))
        self.scaled = False

    def forward(self, x):
        x = self.maps(x)
        return nn.functional.softmax(self.flatten(x * self.scale.view(-1, 1, 1) if self.scaled else x), 1)


def test_layers_that_nobody_named_are_told_apart_and_a_weight_is_reshaped():
    """Keras would call both `flatten`; and a weight may be given another shape before it is used."""
    model = drawn(Twice())
    same(translate(model, "keras", (1, 3, 5, 6)))
    model.scaled = True
    same(translate(model, "keras", (1, 3, 5, 6)))


class Skips(nn.Module):
    """WaveNet's way of adding its skips up: the first is added to the number 0."""

    def __init__(self):
        super().__init__()
        self.steps = nn.ModuleList([nn.Conv1d(4, 4, 1) for _ in range(3)])

    def forward(self, x):
        skips = 0
        for step in self.steps:
            y = step(x)
            x, skips = x + y, skips + y
        return skips


def test_sums_with_a_number_and_sums_of_values_have_names_of_their_own():
    """Keras calls both `add`, and takes no two of a name."""
    same(translate(drawn(Skips()), "keras", (1, 4, 9)))


def test_a_number_that_is_none_is_no_agreement():
    """Everything hidden gives NaN in PyTorch: the difference is infinite, never zero."""
    made = translate(drawn(nn.Sequential(nn.Linear(4, 4))), "keras", (1, 4))
    model = drawn(nn.Sequential(nn.Linear(4, 4)))
    with torch.no_grad():
        model[0].bias[0] = float("nan")
    assert made.largest_difference < 1e-5 and translate(model, "keras", (1, 4)).largest_difference == float("inf")


@pytest.mark.full
@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "deit_tiny_patch16_224", "deit3_small_patch16_224"])
def test_vision_transformers_to_keras(name):
    """Fused queries, keys and values, scales of layers, class tokens and learned places; and torchvision's own."""
    model = pytest.importorskip("timm").create_model(name, img_size=64, depth=2)
    same(translate(drawn(model), "keras", (1, 3, 64, 64)))


@pytest.mark.parametrize("make, sizes, why", [
    (lambda: Masked(added=True, batch_first=True), [(1, 5, 8), (5, 5)], "a mask of numbers, which PyTorch adds to the scores; one in Keras says what is seen"),
    (lambda: Attends(batch_first=True, add_bias_kv=True), (1, 5, 8), "a key and a value of its own beside those that come in"),
    (lambda: nn.Sequential(nn.LSTM(5, 4, proj_size=2)), (6, 1, 5), "a projection"),
    (lambda: nn.Embedding(5, 3, max_norm=1.0), (1, 4), "an Embedding in Keras does not shorten its rows while it is read"),
    (lambda: Reads(nn.RNN, lambda y, h, _: y.softmax(0)), (6, 1, 5), "the batch is not the first axis here, and in Keras it always is"),
    (lambda: Reads(nn.RNN, lambda y, h, _: y[0], batch_first=True), (1, 6, 5), "some of the batch is picked"),
], ids=["mask", "bias_kv", "projection", "max_norm", "softmax over steps", "first of the batch"])  # fmt: skip
def test_sequences_without_a_twin_in_keras(make, sizes, why):
    """The reason stands before anything is written."""
    kinds = ["int64"] if "max_norm" in repr(make()) or isinstance(make(), nn.Embedding) else None
    made = translate(make(), "keras", sizes, dtypes=kinds)
    assert made.model is None and made.code == "" and any(reason.endswith(why) for reason in made.missing), made


def attends(features=8, other=8, **words):
    a, b = keras.Input((5, features)), keras.Input((6, other))
    made = L.MultiHeadAttention(2, 4, **words)(a, b, return_attention_scores=True)
    return keras.Model([a, b], list(made))


def causal():
    x = keras.Input((5, 8))
    return keras.Model(x, L.MultiHeadAttention(4, 2, use_bias=False)(x, x, use_causal_mask=True))


def keyed():
    a, b, c = keras.Input((5, 8)), keras.Input((6, 3)), keras.Input((6, 4))
    return keras.Model([a, b, c], L.MultiHeadAttention(2, 4)(a, c, key=b))


def handed_on():
    x, y = keras.Input((6, 5)), keras.Input((4, 5))
    every, h, c, back_h, back_c = L.Bidirectional(L.LSTM(4, return_state=True, return_sequences=True))(x)
    one = L.LSTM(4)(y, initial_state=[h, back_c])
    return keras.Model([x, y], [every, c, back_h, one, L.GRU(4, return_state=True)(y, initial_state=back_h)[1]])


def two_ways(kind="LSTM", mode="concat", **words):
    return lambda: keras.Sequential([keras.Input((6, 5)), L.Bidirectional(getattr(L, kind)(4, **words), merge_mode=mode)])


def both_ways():
    x = keras.Input((6, 5))
    return keras.Model(x, L.Bidirectional(L.GRU(4, return_sequences=True), merge_mode=None)(x))


def block():
    x = keras.Input((5, 8))
    y = L.LayerNormalization()(L.Add()([x, L.MultiHeadAttention(2, 4, dropout=0.1)(x, x)]))
    return keras.Model(x, L.Dense(8)(keras.activations.gelu(L.Dense(16, activation="gelu")(y), approximate=True)))


TO_TORCH = {
    "attention": attends, "other keys": lambda: attends(8, 3), "causal": causal, "keyed": keyed, "states handed on": handed_on,
    "a block": block, "both ways apart": both_ways, **{f"{mode}, last": two_ways(mode=mode) for mode in ("concat", "sum", "mul", "ave")},
    "sum, every step": two_ways("GRU", "sum", return_sequences=True), "two ways, no bias": two_ways("GRU", use_bias=False),
    "relu two ways": two_ways("SimpleRNN", activation="relu", return_sequences=True),
}  # fmt: skip


@pytest.mark.parametrize("name", TO_TORCH)
def test_keras_sequences_to_pytorch(name, tmp_path):
    """A live model, and the file of it with its weights: both give what Keras gives."""
    model = random_weights(TO_TORCH[name]())
    live = same(translate(model, "torch"))
    model.save(tmp_path / "net.keras")
    read = translate(str(tmp_path / "net.keras"), "torch", weights=True)
    assert read.code == live.code
    for (key, a), b in zip(live.model.state_dict().items(), read.model.state_dict().values()):
        assert torch.equal(a, b), key


def hidden_steps():
    x = keras.Input((6,))
    return keras.Model(x, L.LSTM(4)(L.Embedding(9, 5, mask_zero=True)(x)))


def masked():
    x, m = keras.Input((5, 8)), keras.Input((5, 5), dtype="bool")
    return keras.Model([x, m], L.MultiHeadAttention(2, 4)(x, x, attention_mask=m))


def masked_lstm():
    x, m = keras.Input((5, 8)), keras.Input((5,), dtype="bool")
    return keras.Model([x, m], L.LSTM(4)(x, mask=m))


@pytest.mark.parametrize("make, why", [
    (lambda: attends(9), "2 heads of 4 numbers on 9 features; in PyTorch the heads share the features out"),
    (lambda: attends(value_dim=3), "2 heads of 4 numbers on 8 features; in PyTorch the heads share the features out"),
    (masked, "a mask takes part, which says what is seen; one in PyTorch says what is hidden"),
    (masked_lstm, "it is called with mask"),
    (hidden_steps, "mask_zero, which hides steps from the layers behind"),
    (lambda: keras.Sequential([keras.Input((6, 5)), L.Bidirectional(L.LSTM(4), backward_layer=L.LSTM(4, activation="relu", go_backwards=True))]),
     "its two directions are other layers"),
    (lambda: keras.Sequential([keras.Input((6, 5), batch_size=2), L.GRU(4, stateful=True)]), "it keeps its state from call to call"),
], ids=["features", "values", "mask", "mask of steps", "mask_zero", "directions", "stateful"])  # fmt: skip
def test_sequences_without_a_twin_in_pytorch(make, why):
    """Said with the layer's name, and nothing is written."""
    made = translate(make(), "torch")
    assert made.model is None and made.missing[0].endswith(why), made


@pytest.mark.parametrize("name", ["encoder", "both last states", "every state"])
def test_there_and_back(name):
    """PyTorch to Keras and back: the first model's numbers."""
    make, size = TO_KERAS[name]
    if name != "encoder":
        make = lambda: Reads(nn.LSTM, lambda y, h, c: y, batch_first=True, bidirectional=name == "every state")
    model = drawn(make())
    back = same(translate(same(translate(model, "keras", size)).model, "torch"))
    x = torch.randn(3, *size[1:])
    with torch.no_grad():
        assert (model(x) - back.model(x)).abs().max() <= 1e-5
