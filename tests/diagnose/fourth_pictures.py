"""A fourth round, of pictures: other sizes, other channels, rows folded, skips that do not meet. Written before anything was tried on them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import BATCH, FORWARD, RESIZE, Calls, Trained, attr, seq, table
from torch import nn

FOURTH_PICTURES, report = table()
both = lambda *edits: {"all": list(edits)}
pooled = lambda before: {"insert": "AdaptiveAvgPool2d", "before": before}


@report(RESIZE, attr("classifier.1", "in_features", 64 * 4 * 4), pooled("classifier"), pooled("classifier.0"))
def vgg_without_its_adaptive_pool_on_small_photos():
    class VGG(nn.Module):
        def __init__(self):
            super().__init__()
            layers, c = [], 3
            for o in (16, 32, 64, 64, 64):
                layers += [nn.Conv2d(c, o, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2, 2)]
                c = o
            self.features = seq(*layers)
            self.classifier = seq(nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(True), nn.Dropout(), nn.Linear(128, 6))

        def forward(self, x):
            return self.classifier(self.features(x))

    return VGG().eval(), (torch.rand(8, 3, 128, 128),)


@report(RESIZE, attr("dense.1", "in_features", 64 * 13 * 33))
def steering_model_of_66_by_200_on_the_simulator():
    class Steering(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = seq(
                nn.Conv2d(3, 24, 5, 2), nn.ELU(), nn.Conv2d(24, 36, 5, 2), nn.ELU(), nn.Conv2d(36, 48, 5, 2), nn.ELU(),
                nn.Conv2d(48, 64, 3), nn.ELU(), nn.Conv2d(64, 64, 3),
            )  # fmt: skip
            self.dense = seq(nn.Dropout(0.5), nn.Linear(64 * 1 * 18, 100), nn.ELU(), nn.Linear(100, 1))

        def forward(self, x):
            x = self.conv(x)
            x = x.view(x.size(0), -1)
            return self.dense(x)

    return Steering(), (torch.rand(4, 3, 160, 320),)


@report(RESIZE, both(FORWARD, attr("fc1", "in_features", 64 * 6 * 6)))
def view_9216_of_smaller_digits():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2, self.fc1, self.fc2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3), nn.Linear(9216, 128), nn.Linear(128, 10)

        def forward(self, x):
            x = F.relu(self.conv2(F.relu(self.conv1(x))))
            x = F.max_pool2d(x, 2)
            x = x.view(-1, 9216)
            return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)

    return Net(), (torch.rand(5, 1, 16, 16),)


@report(RESIZE, both(FORWARD, attr("fc", "in_features", 16 * 16 * 16 + 5)), both(FORWARD, attr("fc", "in_features", 4101)))
def folded_rows_meet_the_table():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2, self.pool, self.fc = (
                nn.Conv2d(3, 8, 3, 1, 1),
                nn.Conv2d(8, 16, 3, 1, 1),
                nn.MaxPool2d(2),
                nn.Linear(1029, 2),
            )

        def forward(self, image, table):
            x = self.pool(F.relu(self.conv1(image)))
            x = self.pool(F.relu(self.conv2(x)))
            x = x.view(-1, 16 * 8 * 8)
            x = torch.cat((x, table), dim=1)
            return self.fc(x)

    return Both(), (torch.rand(6, 3, 64, 64), torch.rand(6, 5))


@report(attr("fc1", "in_features", 32 * 6 * 6), attr("conv2", "kernel_size", 5))
def second_kernel_changed_from_five_to_three():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2, self.pool = nn.Conv2d(3, 16, 5), nn.Conv2d(16, 32, 3), nn.MaxPool2d(2, 2)
            self.fc1, self.fc2 = nn.Linear(32 * 5 * 5, 84), nn.Linear(84, 10)

        def forward(self, x):
            x = self.pool(F.relu(self.conv1(x)))
            x = self.pool(F.relu(self.conv2(x)))
            x = torch.flatten(x, 1)
            return self.fc2(F.relu(self.fc1(x)))

    return Net(), (torch.rand(4, 3, 32, 32),)


@report(attr("fc", "in_features", 128 * 4 * 4), attr("conv3", "out_channels", 64))
def a_convolution_was_added_with_more_channels():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2, self.conv3 = (
                nn.Conv2d(3, 32, 3, padding=1),
                nn.Conv2d(32, 64, 3, padding=1),
                nn.Conv2d(64, 128, 3, padding=1),
            )
            self.fc = nn.Linear(64 * 4 * 4, 10)

        def forward(self, x):
            for conv in (self.conv1, self.conv2, self.conv3):
                x = F.max_pool2d(F.relu(conv(x)), 2)
            return self.fc(x.view(x.size(0), -1))

    return Net(), (torch.rand(8, 3, 32, 32),)


@report({"input": "permute", "dims": (0, 3, 1, 2)})
def four_bands_last():
    net = seq(nn.Conv2d(4, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 2, 1))
    return net.eval(), (torch.rand(8, 64, 64, 4),)


@report({"input": "expand_channels", "to": 3}, attr("stem.conv", "in_channels", 1))
def gray_scans_into_a_colour_backbone():
    class Stem(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)

        def forward(self, x):
            return F.relu(self.norm(self.conv(x)))

    run = lambda m, x: m.fc(m.stem(x).mean((2, 3)))
    return Calls(run, stem=Stem(), fc=nn.Linear(64, 2)).eval(), (torch.rand(2, 1, 96, 96),)


@report(
    both({"input": "unsqueeze", "dim": 1}, {"input": "expand_channels", "to": 3}),
    both({"input": "unsqueeze", "dim": 1}, attr("0", "in_channels", 1)),
)
def faces_of_48_without_channel_for_a_colour_net():
    return seq(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 7)), (torch.rand(16, 48, 48),)


class Link(nn.Module):
    """Skips are added; what is halved by a strided convolution is doubled by a transposed one."""

    def __init__(self):
        super().__init__()
        self.e1, self.e2, self.e3 = nn.Conv2d(1, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 2, 1)
        self.d3, self.d2, self.d1 = (nn.ConvTranspose2d(i, o, 3, 2, 1, output_padding=1) for i, o in ((32, 16), (16, 8), (8, 1)))

    def forward(self, x):
        a = F.relu(self.e1(x))
        b = F.relu(self.e2(a))
        c = F.relu(self.e3(b))
        up = self.d3(c) + b
        up = self.d2(up) + a
        return self.d1(up)


@report(RESIZE, FORWARD, attr("d2", "output_padding", 0))
def salt_of_101_pixels_into_linknet():
    return Link(), (torch.rand(2, 1, 101, 101),)


@report(RESIZE, FORWARD)
def three_pools_and_bilinear_upsampling_of_a_video_frame():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c, self.d = (
                nn.Conv2d(3, 8, 3, 1, 1),
                nn.Conv2d(8, 16, 3, 1, 1),
                nn.Conv2d(16, 32, 3, 1, 1),
                nn.Conv2d(32, 32, 3, 1, 1),
            )
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.uc, self.ub, self.ua = nn.Conv2d(64, 16, 3, 1, 1), nn.Conv2d(32, 8, 3, 1, 1), nn.Conv2d(16, 1, 3, 1, 1)

        def forward(self, x):
            a = F.relu(self.a(x))
            b = F.relu(self.b(F.max_pool2d(a, 2)))
            c = F.relu(self.c(F.max_pool2d(b, 2)))
            d = F.relu(self.d(F.max_pool2d(c, 2)))
            x = self.uc(torch.cat([self.up(d), c], 1))
            x = self.ub(torch.cat([self.up(x), b], 1))
            return self.ua(torch.cat([self.up(x), a], 1))

    return Net(), (torch.rand(1, 3, 180, 320),)


@report(
    attr("judge.1", "in_features", 1024), attr("generator.6", "padding", 3), attr("generator.2", "kernel_size", 3),
    attr("generator.0", "kernel_size", 3), FORWARD,
)  # fmt: skip
def generator_makes_32_judge_wants_28():
    class GAN(nn.Module):
        def __init__(self):
            super().__init__()
            self.generator = seq(
                nn.ConvTranspose2d(100, 64, 4, 1, 0), nn.ReLU(), nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(),
                nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Tanh(),
            )  # fmt: skip
            self.judge = seq(nn.Flatten(), nn.Linear(784, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1))

        def forward(self, z):
            fake = self.generator(z)
            return self.judge(fake)

    return GAN(), (torch.rand(16, 100, 1, 1),)


@report(FORWARD, attr("fc", "in_features", 64 * 6 * 6), RESIZE)
def residual_body_without_its_average():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer1, self.layer2 = seq(nn.Conv2d(3, 32, 3, 2, 1), nn.ReLU()), seq(nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU())
            self.layer3, self.fc = seq(nn.Conv2d(64, 64, 3, 2, 1), nn.ReLU()), nn.Linear(64, 5)

        def forward(self, x):
            x = self.layer3(self.layer2(self.layer1(x)))
            x = torch.flatten(x, 1)
            return self.fc(x)

    return Net(), (torch.rand(4, 3, 48, 48),)


@report(
    RESIZE, {"replace": "avgpool", "with": "AdaptiveAvgPool2d"}, attr("fc", "in_features", 256), attr("avgpool", "kernel_size", 14), FORWARD
)
def average_of_seven_on_larger_maps():
    class Old(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.avgpool, self.fc = (
                seq(nn.Conv2d(3, 32, 7, 8, 3), nn.ReLU(), nn.Conv2d(32, 64, 3, 4, 1)),
                nn.AvgPool2d(7),
                nn.Linear(64, 9),
            )

        def forward(self, x):
            x = self.avgpool(F.relu(self.body(x)))
            x = x.view(x.size(0), -1)
            return self.fc(x)

    return Old(), (torch.rand(2, 3, 448, 448),)


@report({"input": "unsqueeze", "dim": 0})
def one_transformed_photo_without_its_batch():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2, self.fc = nn.Conv2d(3, 8, 5), nn.Conv2d(8, 16, 5), nn.Linear(16 * 5 * 5, 2)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv1(x)), 2)
            x = F.max_pool2d(F.relu(self.conv2(x)), 2)
            return self.fc(x.flatten(1))

    return Net(), (torch.rand(3, 32, 32),)


@report(attr("up1", "in_channels", 64), attr("dec2", "out_channels", 128), FORWARD)
def transposed_convolution_counts_the_joined_map():
    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.up2, self.dec2 = nn.ConvTranspose2d(128, 64, 2, 2), nn.Conv2d(128, 64, 3, padding=1)
            self.up1, self.out = nn.ConvTranspose2d(128, 32, 2, 2), nn.Conv2d(32, 1, 1)

        def forward(self, deep, skip):
            x = torch.cat([self.up2(deep), skip], dim=1)
            x = F.relu(self.dec2(x))
            return self.out(self.up1(x))

    return Decoder(), (torch.rand(2, 128, 8, 8), torch.rand(2, 64, 16, 16))


@report(RESIZE, FORWARD)
def patches_cut_by_hand_from_250_pixels():
    class Patches(nn.Module):
        def __init__(self, patch=16, dim=48):
            super().__init__()
            self.patch, self.embed = patch, nn.Linear(3 * patch * patch, dim)

        def forward(self, x):
            b, c, h, w = x.shape
            p = self.patch
            x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5)
            return self.embed(x.flatten(3).flatten(1, 2))

    return Patches(), (torch.rand(2, 3, 250, 250),)


@report(RESIZE, {"remove": "inner.1"})
def innermost_instance_norm_has_one_place():
    class Pix(nn.Module):
        def __init__(self):
            super().__init__()
            down = lambda i, o: seq(nn.Conv2d(i, o, 4, 2, 1), nn.InstanceNorm2d(o), nn.LeakyReLU(0.2))
            self.outer, self.inner = seq(down(3, 8), down(8, 16), down(16, 32), down(32, 32), down(32, 32)), down(32, 32)
            self.up = nn.ConvTranspose2d(32, 3, 4, 2, 1)

        def forward(self, x):
            return self.up(self.inner(self.outer(x)))

    return Pix(), (torch.rand(1, 3, 64, 64),)


@report(BATCH, {"mode": "eval"})
def projection_head_sees_a_last_batch_of_one():
    run = lambda m, x: m.head(m.conv(x).mean((2, 3)))
    head = seq(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 8))
    return Calls(run, conv=nn.Conv2d(3, 16, 3), head=head), (torch.rand(1, 3, 32, 32),)


@report({"input": "unsqueeze", "dim": 1})
def gray_clips_lack_the_channel():
    net = seq(nn.Conv3d(1, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 4))
    return net, (torch.rand(2, 16, 56, 56),)


@report({"input": "permute", "dims": (0, 2, 1, 3, 4)})
def clips_give_time_before_channels():
    return seq(nn.Conv3d(3, 16, (3, 7, 7), (1, 2, 2), (1, 3, 3)), nn.BatchNorm3d(16), nn.ReLU()).eval(), (torch.rand(2, 16, 3, 56, 56),)


@report(RESIZE, FORWARD)
def detector_of_416_on_400():
    class Neck(nn.Module):
        def __init__(self):
            super().__init__()
            self.c3, self.c4, self.c5 = nn.Conv2d(3, 8, 3, 8, 1), nn.Conv2d(8, 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 2, 1)
            self.lateral, self.up, self.head = nn.Conv2d(32, 16, 1), nn.Upsample(scale_factor=2), nn.Conv2d(32, 18, 1)

        def forward(self, x):
            mid = self.c4(F.relu(self.c3(x)))
            deep = self.c5(F.relu(mid))
            joined = torch.cat([self.up(self.lateral(deep)), mid], dim=1)
            return self.head(joined)

    return Neck(), (torch.rand(1, 3, 400, 400),)


@report(RESIZE, {"input": "resize", "arg": 1}, FORWARD)
def masks_kept_their_size():
    net = seq(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
    return Trained(net, nn.BCEWithLogitsLoss()), (torch.rand(2, 3, 64, 64), torch.rand(2, 1, 128, 128))


@report(pooled("2"), pooled("1"), attr("2", "in_features", 1024 * 3 * 3))
def densenet_features_into_a_head():
    from torchvision.models import densenet121

    return seq(densenet121(weights=None).features, nn.Flatten(), nn.Linear(1024, 2)).eval(), (torch.rand(1, 3, 96, 96),)


@report(attr("classifier.3", "in_features", 1024), {"insert": "Linear", "before": "classifier.3"})
def mobilenet_head_counts_the_old_classes():
    from torchvision.models import mobilenet_v3_small

    net = mobilenet_v3_small(weights=None)
    net.classifier[3] = nn.Linear(1000, 5)
    return net.eval(), (torch.rand(1, 3, 64, 64),)
