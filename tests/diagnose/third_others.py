"""A third round, of the rest: several inputs and heads, borrowed networks, agents that play, tables, losses."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import FORWARD, RESIZE, Calls, Trained, attr, seq, table
from torch import nn

THIRD_OTHERS, report = table()
permute, unsqueeze = (
    (lambda *dims, **k: {"input": "permute", "dims": dims, **k}),
    (lambda dim, **k: {"input": "unsqueeze", "dim": dim, **k}),
)
flatten = lambda before: {"insert": "Flatten", "before": before}
both = lambda *edits: {"all": list(edits)}


@report(attr("head", "in_features", 64), FORWARD)
def twins_are_subtracted_not_joined():
    class Siamese(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = seq(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 64))
            self.head = nn.Linear(2 * 64, 1)

        def forward_once(self, x):
            return self.net(x)

        def forward(self, a, b):
            d = torch.abs(self.forward_once(a) - self.forward_once(b))
            return torch.sigmoid(self.head(d))

    return Siamese(), (torch.rand(4, 1, 20, 20), torch.rand(4, 1, 20, 20))


@report({"input": "squeeze", "dim": 1, "arg": 1}, FORWARD)
def table_beside_the_picture_has_an_axis_more():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cnn, self.fc = seq(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Linear(16 + 10, 2)

        def forward(self, image, data):
            x1 = self.cnn(image)
            x = torch.cat((x1, data), dim=1)
            return self.fc(x)

    return Net(), (torch.rand(4, 3, 16, 16), torch.rand(4, 1, 10))


@report(attr("fc", "in_features", 28))
def two_columns_more_than_planned():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cnn, self.fc = seq(nn.Conv2d(3, 16, 3), nn.AdaptiveMaxPool2d(1), nn.Flatten()), nn.Linear(16 + 10, 2)

        def forward(self, image, data):
            return self.fc(torch.cat((self.cnn(image), data), dim=1))

    return Net(), (torch.rand(4, 3, 16, 16), torch.rand(4, 12))


@report(FORWARD)
def joined_below_each_other():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.out = nn.Linear(10, 32), nn.Linear(6, 32), nn.Linear(64, 1)

        def forward(self, user, item):
            x = torch.cat([self.a(user), self.b(item)])
            return self.out(F.relu(x))

    return Net(), (torch.rand(16, 10), torch.rand(16, 6))


@report(attr("heads.1", "in_features", 48))
def one_head_of_three_is_narrower():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = seq(nn.Linear(20, 48), nn.ReLU())
            self.heads = nn.ModuleList([nn.Linear(48, 5), nn.Linear(32, 2), nn.Linear(48, 1)])

        def forward(self, x):
            x = self.trunk(x)
            return [head(x) for head in self.heads]

    return Net(), (torch.rand(8, 20),)


@report(both(permute(2, 0, 1), unsqueeze(0)), both(permute(2, 0, 1), unsqueeze(0), FORWARD))
def frames_of_a_game_as_the_screen_gives_them():
    class DQN(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = seq(nn.Conv2d(4, 16, 8, 4), nn.ReLU(), nn.Conv2d(16, 32, 4, 2), nn.ReLU())
            self.fc = seq(nn.Linear(32 * 9 * 9, 64), nn.ReLU(), nn.Linear(64, 6))

        def forward(self, x):
            x = self.conv(x)
            return self.fc(x.view(x.size(0), -1))

    return DQN(), (torch.rand(84, 84, 4),)


@report(unsqueeze(1, arg=1), FORWARD)
def actions_gathered_without_their_column():
    class Step(nn.Module):
        def __init__(self):
            super().__init__()
            self.policy = seq(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))

        def forward(self, state, action):
            q = self.policy(state)
            return q.gather(1, action)

    return Step(), (torch.rand(32, 4), torch.randint(0, 2, (32,)))


@report(unsqueeze(1, arg=1), FORWARD)
def critic_reads_states_and_actions():
    class Critic(nn.Module):
        def __init__(self):
            super().__init__()
            self.l1, self.l2 = nn.Linear(3 + 1, 64), nn.Linear(64, 1)

        def forward(self, state, action):
            x = F.relu(self.l1(torch.cat([state, action], 1)))
            return self.l2(x)

    return Critic(), (torch.rand(64, 3), torch.rand(64))


@report(unsqueeze(0))
def one_observation_into_a_norm():
    return seq(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2)).eval(), (torch.rand(8),)


@report(flatten("0"), {"input": "reshape", "shape": (64, 784)})
def perceptron_on_digits():
    return seq(nn.Linear(28 * 28, 128), nn.ReLU(), nn.Linear(128, 10)), (torch.rand(64, 1, 28, 28),)


@report(FORWARD)
def one_picture_left_in_the_last_batch():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.bn, self.fc = nn.Conv2d(3, 16, 3), nn.BatchNorm1d(16), nn.Linear(16, 10)

        def forward(self, x):
            x = F.adaptive_avg_pool2d(F.relu(self.conv(x)), 1)
            x = x.squeeze()
            return self.fc(self.bn(x))

    return Net().eval(), (torch.rand(1, 3, 20, 20),)


@report(FORWARD)
def weights_of_channels_have_no_places():
    class SE(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool, self.fc = nn.AdaptiveAvgPool2d(1), seq(nn.Linear(32, 4), nn.ReLU(), nn.Linear(4, 32), nn.Sigmoid())

        def forward(self, x):
            b, c, _, _ = x.size()
            y = self.pool(x).view(b, c)
            y = self.fc(y)
            return x * y

    return SE(), (torch.rand(2, 32, 14, 14),)


@report(attr("fc", "in_features", 512))
def resnet18_with_the_head_of_resnet50():
    from torchvision.models import resnet18

    net = resnet18(weights=None)
    net.fc = nn.Linear(2048, 5)
    return net.eval(), (torch.rand(1, 3, 64, 64),)


@report(attr("classifier", "in_features", 1280))
def mobilenet_with_a_guessed_head():
    from torchvision.models import mobilenet_v2

    net = mobilenet_v2(weights=None)
    net.classifier = nn.Linear(1000, 5)
    return net.eval(), (torch.rand(1, 3, 64, 64),)


@report(flatten("1"), FORWARD)
def children_of_a_resnet_without_flatten():
    from torchvision.models import resnet18

    return seq(seq(*list(resnet18(weights=None).children())[:-1]), nn.Linear(512, 3)).eval(), (torch.rand(2, 3, 64, 64),)


@report(RESIZE)
def vision_transformer_on_256():
    import timm

    return timm.create_model("vit_tiny_patch16_224", depth=1, num_classes=5).eval(), (torch.rand(1, 3, 256, 256),)


@report(attr("head", "in_features", 192), {"insert": "Linear", "before": "head"})
def vision_transformer_with_a_head_for_1000():
    import timm

    net = timm.create_model("vit_tiny_patch16_224", depth=1)
    net.head = nn.Linear(1000, 5)
    return net.eval(), (torch.rand(1, 3, 224, 224),)


@report(attr("bn", "num_features", 16), attr("conv", "out_channels", 32))
def norm_behind_a_lazy_convolution():
    net = Calls(
        lambda m, x: m.fc(F.relu(m.bn(m.conv(x))).flatten(1)), conv=nn.LazyConv2d(16, 3), bn=nn.BatchNorm2d(32), fc=nn.LazyLinear(4)
    )
    return net.eval(), (torch.rand(2, 3, 10, 10),)


@report(attr("0", "in_features", 13))
def one_column_more_in_the_table():
    return seq(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1)), (torch.rand(100, 13),)


@report(RESIZE, attr("1", "normalized_shape", (16, 30, 30)))
def norm_over_maps_of_one_size():
    return seq(nn.Conv2d(3, 16, 3, padding=1), nn.LayerNorm([16, 28, 28]), nn.GELU()), (torch.rand(2, 3, 30, 30),)


@report(attr("shortcut", "stride", 2), {"replace": "shortcut", "with": "Conv2d"}, attr("conv1", "stride", 1))
def shortcut_keeps_its_places():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(16, 32, 3, 2, 1), nn.Conv2d(32, 32, 3, 1, 1)
            self.shortcut = nn.Conv2d(16, 32, 1)

        def forward(self, x):
            out = self.conv2(F.relu(self.conv1(x)))
            return F.relu(out + self.shortcut(x))

    return Block(), (torch.rand(2, 16, 28, 28),)


@report(attr("point", "in_channels", 32), attr("depth", "out_channels", 64))
def pointwise_after_depthwise():
    return Calls(lambda m, x: m.point(m.depth(x)), depth=nn.Conv2d(32, 32, 3, padding=1, groups=32), point=nn.Conv2d(64, 128, 1)), (
        torch.rand(1, 32, 8, 8),
    )


@report({"target": "unsqueeze", "dim": 1}, FORWARD)
def column_of_scores_against_a_list():
    return Trained(seq(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1)), nn.BCEWithLogitsLoss()), (torch.rand(20, 30), torch.ones(20))


@report(both(attr("net.0", "in_features", 30), {"target": "squeeze", "dim": 1}))
def wrong_width_and_a_column_of_labels():
    net = seq(nn.Linear(28, 16), nn.ReLU(), nn.Linear(16, 3))
    return Trained(net, nn.CrossEntropyLoss()), (torch.rand(20, 30), torch.randint(0, 3, (20, 1)))
