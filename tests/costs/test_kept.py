"""What autograd keeps: byte for byte what `saved_tensors_hooks` sees on real runs."""

from __future__ import annotations

import warnings

import pytest
import torch
from kept_cases import OPERATORS
from kept_more_cases import ALGEBRA, LOSSES, RECURRENT
from torch import nn

from whyshape.analyses.live import live
from whyshape.analyses.memory import kept
from whyshape.readers.torch import read


def kept_by_torch(model, args) -> int:
    """Bytes of all memory that a real forward keeps, weights and buffers aside, each storage once."""
    alive = [*model.parameters(), *model.buffers()]  # so that no address is used again
    seen, own = {}, {t.untyped_storage().data_ptr() for t in alive}

    def pack(t):
        storage = t.untyped_storage()
        if storage.nbytes() and storage.data_ptr() not in own:
            seen[storage.data_ptr()] = storage.nbytes()
            alive.append(t.detach())  # with its history it would hold itself for ever

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda nothing: nothing):
        model(*args)
    return sum(seen.values())


def kept_by_rules(model, args, mode) -> tuple[int, set[str]]:
    graph = read(model, input_data=tuple(args), mode=mode)
    assert graph.problem is None, graph.problem
    rows = kept(graph, live(graph))
    return sum(r.nbytes or 0 for r in rows), {r.missing for r in rows if r.missing}


class Applied(nn.Module):
    """An operator between layers that learn, so that everything around it wants a gradient."""

    def __init__(self, operator, shapes):
        super().__init__()
        self.operator = operator
        self.scales = nn.ParameterList([nn.Parameter(torch.rand(s) + 0.5) for s in shapes])

    def forward(self, *inputs):
        return self.operator(*[x + s for x, s in zip(inputs, self.scales)])


CASES = {**OPERATORS, **LOSSES, **ALGEBRA}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_operator(name):
    """Each operator by itself, on contiguous and on turned memory, in place and not."""
    operator, shapes = CASES[name]
    model, inputs = Applied(operator, shapes), [torch.rand(s) for s in shapes]
    assert kept_by_rules(model, inputs, "same") == (kept_by_torch(model, inputs), set())


@pytest.mark.parametrize("name", RECURRENT)
@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_recurrent_network(name):
    """Step by step in double precision; in single precision an LSTM runs in one go, and all but the kernel's workspace is counted."""
    make, shape = RECURRENT[name]
    torch.manual_seed(0)
    for dtype in (torch.float64, torch.float32):
        model, x = make().to(dtype), torch.randn(shape, dtype=dtype)
        at_once = isinstance(model, nn.LSTM) and dtype == torch.float32 and not model.proj_size
        missing = {"what the kernel of lstm notes for itself"} if at_once else set()
        workspaces = [0]

        def pack(t, at_once=at_once, workspaces=workspaces):
            if at_once and t.dtype == torch.uint8:
                workspaces.append(t.nbytes)

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda nothing: nothing):
            model(x)
        assert kept_by_rules(model, [x], "train") == (kept_by_torch(model, [x]) - sum(workspaces), missing)
        assert len(workspaces) == 1 + at_once * model.num_layers * (1 + model.bidirectional) if at_once else workspaces == [0]


@pytest.mark.parametrize("first", [True, False], ids=["batch first", "batch second"])
@pytest.mark.parametrize("weights", [True, False], ids=["with weights", "fused"])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("others", ["xxx", "xyy", "xyz"])
def test_multi_head_attention(first, weights, dropout, others):
    """Self-attention, keys from elsewhere, keys and values from elsewhere."""

    class Attend(nn.Module):
        def __init__(self):
            super().__init__()
            self.attend = nn.MultiheadAttention(8, 2, batch_first=first, dropout=dropout)

        def forward(self, x, y, z):
            given = {"x": x, "y": y, "z": z}
            return self.attend(*[given[name] for name in others], need_weights=weights)

    shape = lambda n: (2, n, 8) if first else (n, 2, 8)
    model, inputs = Attend().train(), [torch.randn(shape(n)) for n in (5, 7, 7)]
    assert kept_by_rules(model, inputs, "train") == (kept_by_torch(model, inputs), set())


def test_frozen_layers_keep_less():
    """A frozen first half asks for nothing; a frozen layer behind a learning one keeps its weight only."""
    net = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    net[0].requires_grad_(False)
    net[4].requires_grad_(False)
    inputs = [torch.randn(3, 8)]
    assert kept_by_rules(net, inputs, "train") == (kept_by_torch(net, inputs), set())


def test_no_grad_inside_the_model_is_seen():
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x):
            with torch.no_grad():
                x = self.a(x).relu()
            return self.b(x).relu()

    inputs = [torch.randn(3, 8)]
    assert kept_by_rules(Half(), inputs, "train") == (kept_by_torch(Half(), inputs), set())


TORCHVISION = """alexnet vgg11_bn resnet18 resnext50_32x4d densenet121 squeezenet1_0 googlenet inception_v3 mobilenet_v2 mobilenet_v3_small
    efficientnet_b0 shufflenet_v2_x0_5 mnasnet0_5 regnet_y_400mf convnext_tiny vit_b_32 swin_t swin_v2_t maxvit_t"""  # fmt: skip
TIMM = """"resnet10t efficientnet_lite0 ghostnet_100 hrnet_w18_small lcnet_050 mobilevitv2_050 mobilevit_xxs edgenext_xx_small
    deit_tiny_patch16_224 swin_tiny_patch4_window7_224 levit_128s poolformer_s12 convmixer_768_32 resmlp_12_224 gmlp_ti16_224
    pvt_v2_b0 xcit_nano_12_p16_224 cait_xxs24_224 visformer_tiny tinynet_e repvgg_a0 rexnet_100 res2net50_14w_8s skresnet18 dla46_c
    cspresnet50 fastvit_t8 nf_resnet26 tiny_vit_5m_224 davit_tiny volo_d1_224 mvitv2_tiny eca_botnext26ts_256 test_byobnet
    mobileone_s0 mobileone_s1 cait_xxs36_224 coat_tiny coat_lite_tiny coat_mini convit_tiny convit_small convmixer_1024_20_ks9_p14
    test_convnext test_convnext3 test_convnext2 crossvit_tiny_240 crossvit_9_240 crossvit_9_dagger_240 csatv2 csatv2_21m
    cs3darknet_focus_s cs3darknet_s cs3darknet_focus_m deit_tiny_distilled_patch16_224 deit_small_patch16_224 densenet121
    densenetblur121d densenet169 dla46x_c dla60x_c dpn48b dpn68 dpn68b edgenext_x_small edgenext_small efficientformer_l1
    efficientformer_l3 efficientformerv2_s0 efficientformerv2_s1 efficientformerv2_s2 test_efficientnet test_efficientnet_evos
    test_efficientnet_gn efficientvit_b0 efficientvit_b1 efficientvit_b2 efficientvit_m0 efficientvit_m1 efficientvit_m2
    eva02_tiny_patch14_224 fasternet_t0 fasternet_t1 fasternet_t2 fastvit_t12 fastvit_s12 focalnet_tiny_srf focalnet_tiny_lrf
    gcvit_xxtiny gcvit_xtiny gcvit_tiny ghostnet_050 ghostnetv3_050 hardcorenas_b hardcorenas_a hardcorenas_c hgnetv2_b0 hgnetv2_b1
    hgnetv2_b2 hiera_tiny_224 hrnet_w18_small_v2 hrnet_w18 inception_next_atto inception_next_tiny inception_v3 levit_conv_128s
    levit_128 test_mambaout mambaout_femto mambaout_kobe maxvit_pico_rw_256 maxvit_rmlp_pico_rw_256 coatnet_pico_rw_224
    poolformerv2_s12 poolformerv2_s24 gmixer_12_224 mobilenetv3_small_050 lcnet_035 mobilevit_xs nest_tiny nest_tiny_jx
    nextvit_small test_nfnet nf_regnet_b0 nf_regnet_b1 pit_ti_224 pit_ti_distilled_224 pit_xs_224 pvt_v2_b1 pvt_v2_b2_li rdnet_tiny
    regnetx_002 regnety_002 regnety_004 repghostnet_050 repghostnet_058 repghostnet_080 repvit_m0_9 repvit_m1 repvit_m1_0 res2next50
    res2net50_48w_2s resnest14d resnest26d resnest50d_1s4x24d test_resnet resnet10t resnet14t resnetv2_18 resnetv2_18d resnetv2_34
    rexnetr_100 rexnet_130 selecsls42 selecsls60 legacy_seresnet18 legacy_seresnext26_32x4d legacy_seresnet34 shvit_s1 shvit_s2
    shvit_s3 skresnet34 skresnet50 starnet_s050 starnet_s100 starnet_s150 swiftformer_xs swiftformer_s swiftformer_l1
    swin_s3_tiny_224 swinv2_tiny_window16_256 swinv2_tiny_window8_256 swinv2_cr_tiny_224 swinv2_cr_tiny_ns_224 tiny_vit_11m_224
    tiny_vit_21m_384 tnt_s_legacy_patch16_224 tnt_s_patch16_224 tresnet_m twins_svt_small twins_pcpvt_small test_vit test_vit2
    test_vit3 vit_tiny_r_s16_p8_224 vit_relpos_small_patch16_rpn_224 vit_srelpos_small_patch16_224 vit_relpos_small_patch16_224
    vitamin_small_224 ese_vovnet19b_slim_dw ese_vovnet19b_slim ese_vovnet19b_dw legacy_xception xception41p xception41
    xcit_nano_12_p8_224 sam2_hiera_tiny"""  # fmt: skip


def check_network(make, name, shape, mode):
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, inputs = make(name).train(mode == "train"), [torch.randn(shape)]
    return kept_by_rules(model, inputs, mode) == (kept_by_torch(model, inputs), set())


def torchvision_model(name):
    from torchvision.models import get_model

    return get_model(name, **({"init_weights": False} if name in ("googlenet", "inception_v3") else {}))


def torchvision_size(name):
    return 299 if name == "inception_v3" else 224 if name[:3] in ("vit", "swi", "max", "ale", "goo", "squ") else 96


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "mnasnet0_5"])
def test_network_sample(name):
    """A few whole networks while training, in-place activations and skips included."""
    assert check_network(torchvision_model, name, (2, 3, 96, 96), "train")


@pytest.mark.full
@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("name", TORCHVISION.split())
def test_torchvision_network(name, mode):
    """Byte for byte."""
    side = torchvision_size(name)
    assert check_network(torchvision_model, name, (2, 3, side, side), mode)


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TIMM.split())
def test_timm_network(name):
    """Byte for byte."""
    import timm

    config = timm.create_model(name).default_cfg
    shape = config["input_size"] if config.get("fixed_input_size") else (3, 128, 128)
    assert check_network(timm.create_model, name, (2, *shape), "train")
