"""A fifth round, of tables, branches, losses and layers of one's own, each with what a good answer changes. Written before anything was tried on it."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from mistakes import BATCH, FORWARD, Calls, Trained, attr, seq, table
from torch import nn

FIFTH_OTHERS, report = table()
both = lambda *edits: {"all": list(edits)}


@report(attr("layers.0", "in_features", 108))
def table_after_its_columns_were_coded():
    class MLP(nn.Module):
        def __init__(self, sizes=(14, 64, 32, 1)):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

        def forward(self, x):
            for layer in self.layers[:-1]:
                x = F.relu(layer(x))
            return torch.sigmoid(self.layers[-1](x))

    return MLP(), (torch.rand(50, 108),)


@report(attr("decoder.0", "in_features", 20), both(attr("mu", "out_features", 32), attr("logvar", "out_features", 32)))
def latent_width_in_two_places():
    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.mu, self.logvar = nn.Linear(784, 100), nn.Linear(100, 20), nn.Linear(100, 20)
            self.decoder = seq(nn.Linear(32, 100), nn.ReLU(), nn.Linear(100, 784), nn.Sigmoid())

        def forward(self, x):
            h = F.relu(self.enc(x.view(-1, 784)))
            mu, logvar = self.mu(h), self.logvar(h)
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
            return self.decoder(z), mu, logvar

    return VAE(), (torch.rand(12, 1, 28, 28),)


@report(attr("fc.0", "in_features", 44), attr("meta.0", "out_features", 10), attr("cnn.0", "out_channels", 30))
def picture_and_patient_do_not_add_up():
    class Fusion(nn.Module):
        def __init__(self):
            super().__init__()
            self.cnn = seq(nn.Conv2d(3, 32, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
            self.meta, self.fc = seq(nn.Linear(5, 12), nn.ReLU()), seq(nn.Linear(42, 16), nn.ReLU(), nn.Linear(16, 2))

        def forward(self, image, meta):
            return self.fc(torch.cat([self.cnn(image), self.meta(meta)], dim=1))

    return Fusion(), (torch.rand(4, 3, 40, 40), torch.rand(4, 5))


@report(attr("item.2", "out_features", 32), attr("user.2", "out_features", 64))
def towers_end_in_two_widths():
    class TwoTower(nn.Module):
        def __init__(self):
            super().__init__()
            self.user, self.item = (
                seq(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 32)),
                seq(nn.Linear(20, 48), nn.ReLU(), nn.Linear(48, 64)),
            )

        def forward(self, u, i):
            return (self.user(u) * self.item(i)).sum(-1)

    return TwoTower(), (torch.rand(9, 12), torch.rand(9, 20))


@report(attr("net.0", "in_features", 8))
def lander_states_into_a_cart_pole_net():
    class DQN(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = seq(nn.Linear(4, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 4))

        def forward(self, state):
            return self.net(state)

    return DQN(), (torch.rand(64, 8),)


@report(FORWARD, {"param": "weight", "shape": (16, 40)})
def weight_of_f_linear_lies_the_keras_way():
    class Dense(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.rand(40, 16)), nn.Parameter(torch.zeros(16))

        def forward(self, x):
            return F.linear(x, self.weight, self.bias)

    return Dense(), (torch.rand(7, 40),)


@report({"param": "scales.2", "shape": (1, 64)}, {"param": "scales.2", "shape": (64,)})
def third_of_the_parameters_was_not_widened():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scales = nn.ParameterList(nn.Parameter(torch.ones(1, w)) for w in (16, 32, 32))
            self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in ((8, 16), (16, 32), (32, 64)))

        def forward(self, x):
            for layer, scale in zip(self.layers, self.scales):
                x = torch.tanh(layer(x) * scale)
            return x

    return Scaled(), (torch.rand(5, 8),)


@report({"param": "experts", "shape": (4, 48, 10)}, attr("body", "out_features", 32))
def einsum_with_experts_of_another_width():
    class Experts(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.experts = nn.Linear(6, 48), nn.Parameter(torch.rand(4, 32, 10))

        def forward(self, x):
            return torch.einsum("bi,eio->beo", self.body(x), self.experts).mean(1)

    return Experts(), (torch.rand(3, 6),)


@report(attr("pair", "in2_features", 24), attr("right", "out_features", 16))
def bilinear_layer_counts_one_side_twice():
    net = Calls(lambda m, a, b: m.pair(m.left(a), m.right(b)), left=nn.Linear(10, 16), right=nn.Linear(12, 24), pair=nn.Bilinear(16, 16, 1))
    return net, (torch.rand(5, 10), torch.rand(5, 12))


@report(attr("gate", "out_features", 3), FORWARD)
def gate_knows_one_expert_too_many():
    class MoE(nn.Module):
        def __init__(self):
            super().__init__()
            self.experts, self.gate = nn.ModuleList(nn.Linear(10, 20) for _ in range(3)), nn.Linear(10, 4)

        def forward(self, x):
            outs = torch.stack([e(x) for e in self.experts], dim=1)
            return (outs * self.gate(x).softmax(-1).unsqueeze(-1)).sum(1)

    return MoE(), (torch.rand(6, 10),)


@report(attr("heads.age", "in_features", 64))
def one_head_of_many_tasks_is_too_wide():
    class Tasks(nn.Module):
        def __init__(self):
            super().__init__()
            self.shared = seq(nn.Linear(30, 64), nn.ReLU())
            self.heads = nn.ModuleDict({"sex": nn.Linear(64, 2), "age": nn.Linear(128, 1), "race": nn.Linear(64, 5)})

        def forward(self, x):
            h = self.shared(x)
            return {name: head(h) for name, head in self.heads.items()}

    return Tasks(), (torch.rand(8, 30),)


@report(attr("blocks.1.lin2", "out_features", 64), FORWARD)
def residual_rows_come_back_narrower():
    class Block(nn.Module):
        def __init__(self, d, o):
            super().__init__()
            self.lin1, self.lin2 = nn.Linear(d, d * 2), nn.Linear(d * 2, o)

        def forward(self, x):
            return x + self.lin2(F.gelu(self.lin1(x)))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.inp, self.blocks, self.out = nn.Linear(9, 64), seq(Block(64, 64), Block(64, 32)), nn.Linear(64, 1)

        def forward(self, x):
            return self.out(self.blocks(self.inp(x)))

    return Net(), (torch.rand(11, 9),)


@report(
    attr("norm", "normalized_shape", 64),
    attr("norm", "normalized_shape", (64,)),
    both(attr("fc1", "out_features", 128), attr("fc2", "in_features", 128)),
)
def layer_norm_of_the_wide_version():
    run = lambda m, x: m.fc2(F.relu(m.norm(m.fc1(x))))
    return Calls(run, fc1=nn.Linear(20, 64), norm=nn.LayerNorm(128), fc2=nn.Linear(64, 3)), (torch.rand(4, 20),)


@report(attr("2", "in_features", 32), attr("0", "out_features", 128))
def gated_unit_halves_the_width():
    return seq(nn.Linear(10, 64), nn.GLU(), nn.Linear(64, 1)), (torch.rand(4, 10),)


@report(attr("qkv", "out_features", 192), FORWARD)
def three_parts_of_a_width_for_four():
    class Split(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv, self.out = nn.Linear(64, 256), nn.Linear(64, 64)

        def forward(self, x):
            q, k, v = self.qkv(x).split([64, 64, 64], dim=-1)
            return self.out(F.scaled_dot_product_attention(q, k, v))

    return Split(), (torch.rand(2, 9, 64),)


@report({"input": "unsqueeze", "dim": 1, "arg": 1}, FORWARD)
def price_in_a_list_beside_embeddings():
    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.shop, self.fc = nn.Embedding(20, 8), nn.Linear(9, 1)

        def forward(self, shop, price):
            return self.fc(torch.cat([self.shop(shop), price], 1))

    return Wide(), (torch.randint(0, 20, (16,)), torch.rand(16))


@report(attr("fc.0", "in_features", 22), *(attr(f"embeds.{i}", "embedding_dim", w) for i, w in ((0, 6), (1, 8), (2, 7))))
def embedding_widths_summed_wrongly():
    class Tab(nn.Module):
        def __init__(self):
            super().__init__()
            self.embeds = nn.ModuleList(nn.Embedding(n, d) for n, d in ((7, 4), (12, 6), (9, 5)))
            self.norm, self.fc = nn.BatchNorm1d(7), seq(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 2))

        def forward(self, cats, nums):
            x = torch.cat([e(cats[:, i]) for i, e in enumerate(self.embeds)], 1)
            return self.fc(torch.cat([x, self.norm(nums)], 1))

    return Tab().eval(), (torch.randint(0, 7, (10, 3)), torch.rand(10, 7))


@report(FORWARD, {"insert": "Flatten", "before": "cls"})
def stacked_where_it_should_be_joined():
    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.cls = nn.Linear(15, 32), nn.Linear(64, 2)

        def forward(self, a, b):
            h = torch.stack([self.enc(a), self.enc(b)], dim=1)
            return self.cls(h)

    return Pair(), (torch.rand(6, 15), torch.rand(6, 15))


@report({"param": "prototypes", "shape": (10, 64)}, attr("enc", "out_features", 32))
def prototypes_of_the_smaller_encoder():
    class Proto(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.prototypes = nn.Linear(784, 64), nn.Parameter(torch.rand(10, 32))

        def forward(self, x):
            return -torch.cdist(self.enc(x.flatten(1)), self.prototypes)

    return Proto(), (torch.rand(6, 1, 28, 28),)


@report(attr("net.2", "out_features", 11))
def one_hot_rows_count_the_unknown_class():
    return Trained(seq(nn.Linear(20, 40), nn.ReLU(), nn.Linear(40, 10)), nn.CrossEntropyLoss()), (torch.rand(6, 20), torch.eye(11)[:6])


@report(FORWARD, {"target": "unsqueeze", "dim": 1})
def scores_of_many_labels_keep_a_middle_axis():
    class Multi(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.fc, self.loss = nn.GRU(6, 16, batch_first=True), nn.Linear(16, 20), nn.BCEWithLogitsLoss()

        def forward(self, x, y):
            out, _ = self.gru(x)
            scores = self.fc(out[:, -1:])
            return self.loss(scores, y)

    return Multi(), (torch.rand(7, 12, 6), torch.rand(7, 20))


@report(FORWARD, BATCH, attr("", "batch", 10))
def class_token_for_a_full_batch():
    class Net(nn.Module):
        def __init__(self, batch=16):
            super().__init__()
            self.batch = batch
            self.cls, self.proj, self.head = nn.Parameter(torch.zeros(1, 1, 24)), nn.Linear(12, 24), nn.Linear(24, 2)

        def forward(self, x):
            tokens = torch.cat((self.cls.expand(self.batch, -1, -1), self.proj(x)), dim=1)
            return self.head(tokens[:, 0])

    return Net(), (torch.rand(10, 9, 12),)


@report(FORWARD)
def joined_along_the_batch_instead_of_the_features():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right, self.out = nn.Linear(10, 16), nn.Linear(10, 16), nn.Linear(32, 3)

        def forward(self, a, b):
            both = torch.cat((F.relu(self.left(a)), F.relu(self.right(b))))
            return self.out(both)

    return Net(), (torch.rand(8, 10), torch.rand(8, 10))


@report({"target": "squeeze", "dim": 1}, FORWARD, wrong=({"target": "argmax", "dim": 1},))
def ratings_of_a_column_for_cross_entropy():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.user, self.film, self.out = nn.Embedding(50, 8), nn.Embedding(90, 8), nn.Linear(16, 5)

        def forward(self, u, f, rating):
            scores = self.out(torch.cat((self.user(u), self.film(f)), -1))
            return F.cross_entropy(scores, rating)

    return Net(), (torch.randint(0, 50, (6,)), torch.randint(0, 90, (6,)), torch.randint(0, 5, (6, 1)))


@report({"input": "unsqueeze", "dim": 0})
def one_state_for_an_actor_with_a_norm():
    net = seq(nn.Linear(17, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 6), nn.Tanh())
    return net.eval(), (torch.rand(17),)


@report(attr("phi.2", "out_features", 32), attr("rho.0", "in_features", 24))
def set_encoder_and_reader_disagree():
    class DeepSets(nn.Module):
        def __init__(self):
            super().__init__()
            self.phi, self.rho = seq(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 24)), seq(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))

        def forward(self, points):
            return self.rho(self.phi(points).sum(dim=1))

    return DeepSets(), (torch.rand(4, 50, 3),)


@report({"input": "permute", "dims": (0, 2, 1)}, FORWARD, wrong=(attr("conv1", "in_channels", 128),))
def points_of_a_cloud_in_rows():
    class PointNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn1, self.conv2, self.fc = nn.Conv1d(3, 32, 1), nn.BatchNorm1d(32), nn.Conv1d(32, 64, 1), nn.Linear(64, 10)

        def forward(self, cloud):
            x = F.relu(self.bn1(self.conv1(cloud)))
            return self.fc(torch.max(self.conv2(x), 2)[0])

    return PointNet().eval(), (torch.rand(2, 128, 3),)


@report(attr("gcn2", "in_features", 16), attr("gcn1", "out_features", 32))
def second_graph_layer_of_the_older_width():
    class GCN(nn.Module):
        def __init__(self):
            super().__init__()
            self.gcn1, self.gcn2 = nn.Linear(33, 16, bias=False), nn.Linear(32, 7, bias=False)

        def forward(self, x, adj):
            x = F.relu(adj @ self.gcn1(x))
            return F.log_softmax(adj @ self.gcn2(x), dim=1)

    return GCN(), (torch.rand(20, 33), torch.rand(20, 20))
