"""A fifth round, of maps and what is made of them, each with what a good answer changes. Written before anything was tried on it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import BATCH, FORWARD, RESIZE, Calls, Trained, attr, seq, table
from torch import nn

FIFTH_MAPS, report = table()
both = lambda *edits: {"all": list(edits)}


@report(FORWARD)
def keys_of_a_non_local_block_lie_as_queries():
    class NonLocal(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k, self.v, self.o = (nn.Conv2d(32, 16, 1), nn.Conv2d(32, 16, 1), nn.Conv2d(32, 32, 1), nn.Conv2d(32, 32, 1))

        def forward(self, x):
            b, c, h, w = x.shape
            q, k, v = self.q(x).flatten(2), self.k(x).flatten(2), self.v(x).flatten(2)
            energy = torch.bmm(q, k)
            out = torch.bmm(v, energy.softmax(-1).transpose(1, 2)).view(b, c, h, w)
            return x + self.o(out)

    return NonLocal(), (torch.rand(2, 32, 12, 12),)


@report(FORWARD)
def patches_are_not_turned_before_positions_are_added():
    class ViT(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch, self.pos = nn.Conv2d(3, 48, 8, 8), nn.Parameter(torch.zeros(1, 16, 48))
            self.layer, self.head = nn.TransformerEncoderLayer(48, 4, 96, batch_first=True), nn.Linear(48, 10)

        def forward(self, x):
            x = self.patch(x).flatten(2)
            x = x + self.pos
            return self.head(self.layer(x).mean(1))

    return ViT(), (torch.rand(2, 3, 32, 32),)


@report(FORWARD, BATCH)
def squeeze_of_the_one_picture_before_the_loss():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.pool, self.fc = nn.Conv2d(3, 32, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Linear(32, 10)

        def forward(self, x, y):
            f = self.pool(F.relu(self.body(x))).squeeze()
            return F.nll_loss(F.log_softmax(self.fc(f), dim=1), y)

    return Net(), (torch.rand(1, 3, 32, 32), torch.randint(0, 10, (1,)))


@report(RESIZE, *({"remove": f"features.{i}"} for i in (2, 5, 8, 11, 14)))
def five_pools_on_28_pixels():
    layers, c = [], 1
    for o in (8, 16, 32, 32, 64):
        layers += [nn.Conv2d(c, o, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2)]
        c = o
    return Calls(lambda m, x: m.classifier(m.features(x).flatten(1)), features=seq(*layers), classifier=nn.Linear(64, 10)), (
        torch.rand(4, 1, 28, 28),
    )


@report(RESIZE, attr("c1", "padding", 2), FORWARD, both(FORWARD, attr("f1", "in_features", 256)))
def digits_of_28_into_the_net_of_1998():
    class LeNet5(nn.Module):
        def __init__(self):
            super().__init__()
            self.c1, self.c2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
            self.f1, self.f2, self.f3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

        def forward(self, x):
            x = F.avg_pool2d(torch.tanh(self.c1(x)), 2)
            x = F.avg_pool2d(torch.tanh(self.c2(x)), 2)
            x = x.view(-1, 400)
            return self.f3(torch.tanh(self.f2(torch.tanh(self.f1(x)))))

    return LeNet5(), (torch.rand(16, 1, 28, 28),)


@report(FORWARD, {"input": "permute", "dims": (0, 2, 3, 1)})
def forward_turns_what_the_loader_has_turned():
    class Policy(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.out = seq(nn.Conv2d(3, 16, 8, 4), nn.ReLU(), nn.Conv2d(16, 32, 4, 2), nn.ReLU()), nn.Linear(32, 5)

        def forward(self, obs):
            obs = obs.permute(0, 3, 1, 2)
            return self.out(self.conv(obs).amax((2, 3)))

    return Policy(), (torch.rand(3, 3, 84, 84),)


@report({"target": "squeeze", "dim": 1}, FORWARD)
def label_maps_read_with_a_channel():
    net = seq(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 5, 1))
    return Trained(net, nn.CrossEntropyLoss(ignore_index=255)), (torch.rand(2, 3, 24, 24), torch.randint(0, 5, (2, 1, 24, 24)))


@report(both(attr("conv1", "padding", 4), attr("conv3", "padding", 2)), FORWARD)
def super_resolution_loses_its_border():
    class SRCNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2, self.conv3 = nn.Conv2d(1, 64, 9), nn.Conv2d(64, 32, 1), nn.Conv2d(32, 1, 5)

        def forward(self, low, high):
            y = self.conv3(F.relu(self.conv2(F.relu(self.conv1(low)))))
            return F.mse_loss(y, high)

    return SRCNN(), (torch.rand(2, 1, 33, 33), torch.rand(2, 1, 33, 33))


@report(attr("classifier", "in_features", 9216))
def whole_classifier_of_alexnet_replaced_as_if_its_last():
    class Alex(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = seq(
                nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 256, 5, padding=2), nn.MaxPool2d(3, 2)
            )
            self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
            self.classifier = seq(nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(), nn.Linear(4096, 1000))

        def forward(self, x):
            x = torch.flatten(self.avgpool(self.features(x)), 1)
            return self.classifier(x)

    net = Alex()
    net.classifier = nn.Linear(4096, 2)
    return net.eval(), (torch.rand(1, 3, 224, 224),)


@report({"input": "reshape", "shape": (20, 3, 48, 48)}, FORWARD)
def five_crops_of_every_picture():
    net = seq(nn.Conv2d(3, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4))
    return net.eval(), (torch.rand(4, 5, 3, 48, 48),)


@report(FORWARD)
def frames_are_not_folded_before_the_pictures_net():
    class CNNLSTM(nn.Module):
        def __init__(self):
            super().__init__()
            self.cnn = seq(nn.Conv2d(3, 16, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
            self.lstm, self.fc = nn.LSTM(16, 32, batch_first=True), nn.Linear(32, 6)

        def forward(self, clip):
            b, t = clip.shape[:2]
            f = self.cnn(clip)
            out, _ = self.lstm(f.view(b, t, -1))
            return self.fc(out[:, -1])

    return CNNLSTM(), (torch.rand(2, 7, 3, 32, 32),)


@report(attr("up", "scale_factor", 4), attr("up", "scale_factor", 4.0), attr("enc2", "stride", 1), FORWARD)
def doubled_once_after_two_halvings():
    class Seg(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.enc1, self.enc2 = nn.Conv2d(3, 16, 3, 1, 1), nn.Conv2d(16, 32, 3, 2, 1), nn.Conv2d(32, 32, 3, 2, 1)
            self.up, self.out = nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(48, 4, 3, padding=1)

        def forward(self, x):
            s = self.stem(x)
            d = self.enc2(F.relu(self.enc1(s)))
            return self.out(torch.cat((s, self.up(d)), 1))

    return Seg(), (torch.rand(2, 3, 64, 64),)


@report(attr("lateral.1", "out_channels", 64), attr("top", "out_channels", 128))
def pyramid_lateral_of_another_width():
    class FPN(nn.Module):
        def __init__(self):
            super().__init__()
            self.c4, self.c5, self.top = nn.Conv2d(3, 128, 3, 4, 1), nn.Conv2d(128, 256, 3, 2, 1), nn.Conv2d(256, 64, 1)
            self.lateral = nn.ModuleList([nn.Conv2d(256, 64, 1), nn.Conv2d(128, 128, 1)])
            self.smooth = nn.Conv2d(64, 64, 3, padding=1)

        def forward(self, x):
            c4 = F.relu(self.c4(x))
            p5 = self.top(F.relu(self.c5(c4)))
            p4 = F.interpolate(p5, scale_factor=2) + self.lateral[1](c4)
            return self.smooth(p4), p5

    return FPN(), (torch.rand(1, 3, 64, 64),)


@report(RESIZE, FORWARD)
def unpooling_of_maps_that_were_odd():
    class SegNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool, self.unpool = nn.MaxPool2d(2, 2, return_indices=True), nn.MaxUnpool2d(2, 2)
            self.a, self.b, self.c, self.d = (
                nn.Conv2d(3, 8, 3, 1, 1),
                nn.Conv2d(8, 8, 3, 1, 1),
                nn.Conv2d(8, 8, 3, 1, 1),
                nn.Conv2d(8, 2, 3, 1, 1),
            )

        def forward(self, x):
            x, i1 = self.pool(F.relu(self.a(x)))
            x, i2 = self.pool(F.relu(self.b(x)))
            x = self.c(self.unpool(x, i2))
            return self.d(self.unpool(x, i1))

    return SegNet(), (torch.rand(1, 3, 90, 90),)


@report(RESIZE, {"param": "digits.W", "shape": (1, 512, 10, 16, 8)})
def capsules_of_larger_digits():
    class Digits(nn.Module):
        def __init__(self):
            super().__init__()
            self.W = nn.Parameter(torch.rand(1, 288, 10, 16, 8))

        def forward(self, u):
            return torch.matmul(self.W, u[:, :, None, :, None]).squeeze(-1).sum(1)

    class Caps(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.primary, self.digits = nn.Conv2d(1, 64, 9), nn.Conv2d(64, 64, 9, 2), Digits()

        def forward(self, x):
            u = self.primary(F.relu(self.conv(x)))
            return self.digits(u.view(u.size(0), -1, 8))

    return Caps(), (torch.rand(2, 1, 32, 32),)


@report({"param": "kernel", "shape": (1, 1, 3, 3)}, FORWARD)
def edge_filter_without_its_channel_axes():
    class Sobel(nn.Module):
        def __init__(self):
            super().__init__()
            self.kernel = nn.Parameter(torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]), requires_grad=False)

        def forward(self, x):
            return F.conv2d(x, self.kernel, padding=1)

    return Sobel(), (torch.rand(4, 1, 20, 20),)


@report({"target": "permute", "dims": (0, 3, 1, 2)}, FORWARD)
def clean_pictures_keep_their_channels_last():
    net = seq(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 3, padding=1))
    return Trained(net, nn.L1Loss()), (torch.rand(2, 3, 40, 56), torch.rand(2, 40, 56, 3))


@report({"target": "squeeze", "dim": 3}, {"target": "squeeze", "dim": -1}, FORWARD)
def class_maps_with_a_last_axis_of_one():
    net = seq(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 6, 1), nn.LogSoftmax(1))
    return Trained(net, nn.NLLLoss()), (torch.rand(2, 3, 16, 16), torch.randint(0, 6, (2, 16, 16, 1)))


@report(RESIZE, attr("3", "normalized_shape", (8, 48, 48)), {"replace": "3", "with": "GroupNorm"}, {"replace": "3", "with": "BatchNorm2d"})
def layer_norm_that_knows_the_picture():
    return seq(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 3, padding=1), nn.LayerNorm((8, 32, 32)), nn.ReLU()), (
        torch.rand(2, 3, 48, 48),
    )


@report(RESIZE, attr("fc", "in_features", 32 * 9 * 9))
def lazy_layer_saw_smaller_pictures_first():
    net = Calls(lambda m, x: m.fc(F.max_pool2d(F.relu(m.conv(x)), 3).flatten(1)), conv=nn.Conv2d(1, 32, 5, padding=1), fc=nn.LazyLinear(10))
    net(torch.rand(1, 1, 21, 21))
    return net, (torch.rand(6, 1, 29, 29),)


@report(attr("flat", "start_dim", 1), FORWARD, {"insert": "Flatten", "before": "out"})
def flatten_begins_behind_the_channels():
    run = lambda m, x: m.out(m.flat(m.pool(m.conv(x))))
    return Calls(run, conv=nn.Conv2d(1, 10, 5), pool=nn.MaxPool2d(2), flat=nn.Flatten(2), out=nn.Linear(1440, 10)), (
        torch.rand(3, 1, 28, 28),
    )


@report(attr("mask_head.2", "out_channels", 1), FORWARD, {"target": "one_hot"}, {"replace": "loss", "with": "CrossEntropyLoss"})
def two_maps_for_a_yes_or_no_mask():
    class Seg(nn.Module):
        def __init__(self):
            super().__init__()
            self.mask_head = seq(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))
            self.loss = nn.BCEWithLogitsLoss()

        def forward(self, x, y):
            return self.loss(self.mask_head(x), y)

    return Seg(), (torch.rand(4, 1, 20, 20), torch.randint(0, 2, (4, 1, 20, 20)).float())


@report(RESIZE, attr("conv2", "kernel_size", 1), attr("conv2", "padding", 1))
def tiny_board_under_kernels_for_screens():
    class QNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(3, 16, 4, 2), nn.Conv2d(16, 32, 4, 2)
            self.head = nn.Linear(32, 7)

        def forward(self, s):
            h = F.relu(self.conv2(F.relu(self.conv1(s))))
            return self.head(h.mean(dim=(-2, -1)))

    return QNet(), (torch.rand(8, 3, 7, 7),)


@report({"input": "squeeze", "dim": 1}, {"input": "reshape", "shape": (32, 4, 84, 84)})
def states_of_the_buffer_keep_an_axis_of_one():
    net = seq(
        nn.Conv2d(4, 32, 8, 4),
        nn.ReLU(),
        nn.Conv2d(32, 64, 4, 2),
        nn.ReLU(),
        nn.Conv2d(64, 64, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(3136, 6),
    )
    return net, (torch.rand(32, 1, 4, 84, 84),)


@report(attr("se.2", "out_features", 64), attr("conv", "out_channels", 32))
def squeeze_and_excite_ends_in_half():
    class SE(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 64, 3, padding=1)
            self.se = seq(nn.Linear(64, 4), nn.ReLU(), nn.Linear(4, 32), nn.Sigmoid())

        def forward(self, x):
            y = self.conv(x)
            b, c, _, _ = y.size()
            w = self.se(y.mean((2, 3))).view(b, c, 1, 1)
            return y * w

    return SE(), (torch.rand(3, 3, 16, 16),)


@report(attr("1.b5.1", "padding", 2), FORWARD)
def five_by_five_branch_without_padding():
    class Inception(nn.Module):
        def __init__(self):
            super().__init__()
            self.b1 = nn.Conv2d(32, 16, 1)
            self.b3 = seq(nn.Conv2d(32, 8, 1), nn.Conv2d(8, 16, 3, padding=1))
            self.b5 = seq(nn.Conv2d(32, 8, 1), nn.Conv2d(8, 16, 5))
            self.bp = seq(nn.MaxPool2d(3, 1, 1), nn.Conv2d(32, 16, 1))

        def forward(self, x):
            return torch.cat([self.b1(x), self.b3(x), self.b5(x), self.bp(x)], 1)

    return seq(nn.Conv2d(3, 32, 3), Inception()), (torch.rand(2, 3, 30, 30),)


@report(FORWARD, both(attr("filters.1", "padding", 1), attr("filters.2", "padding", 2)))
def skips_of_a_wave_net_get_shorter():
    class Wave(nn.Module):
        def __init__(self):
            super().__init__()
            self.filters = nn.ModuleList(nn.Conv1d(16, 16, 2, dilation=d) for d in (1, 2, 4))
            self.skips = nn.ModuleList(nn.Conv1d(16, 8, 1) for _ in range(3))
            self.start, self.end = nn.Conv1d(1, 16, 1), nn.Conv1d(8, 1, 1)

        def forward(self, x):
            x, total = self.start(x), 0
            for f, s in zip(self.filters, self.skips):
                x = torch.tanh(f(x))
                total = total + s(x)
            return self.end(total)

    return Wave(), (torch.rand(2, 1, 50),)
