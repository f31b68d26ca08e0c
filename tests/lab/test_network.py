"""The thread's network is the thread's, to the name."""

import pytest
import torch

from whyshape.errors import WhyshapeError
from whyshape.lab.network import ThreadNet

THREAD = {
    "conv.conv_1.weight": (10, 1, 5, 5),
    "conv.conv_1.bias": (10,),
    "conv.conv_2.weight": (20, 10, 5, 5),
    "conv.conv_2.bias": (20,),
    "fc.fc1.weight": (50, 320),
    "fc.fc1.bias": (50,),
    "fc.fc2.weight": (10, 50),
    "fc.fc2.bias": (10,),
}
ORDER = ["conv_1", "maxpool_1", "relu_1", "conv_2", "dropout_2", "maxpool_2", "relu_2", "fc1", "relu_3", "dropout_3", "fc2"]


def test_weights_have_the_thread_s_names_and_sizes():
    """Eight arrays, 21,840 numbers."""
    net = ThreadNet()
    assert {name: tuple(p.shape) for name, p in net.named_parameters()} == THREAD
    assert sum(p.numel() for p in net.parameters()) == 21_840


def test_layers_stand_in_the_thread_s_order():
    """Dropout stands between conv_2 and its pool, as written in the thread."""
    net = ThreadNet()
    assert [name for part in (net.conv, net.fc) for name, _ in part.named_children()] == ORDER


def test_both_heads_are_equal_where_the_image_fits():
    """view(-1, 320) and flatten(1) give the same scores for 28 x 28."""
    torch.manual_seed(0)
    flat, view = ThreadNet().eval(), ThreadNet(head="view").eval()
    view.load_state_dict(flat.state_dict())
    x = torch.randn(3, 1, 28, 28)
    assert torch.equal(flat(x), view(x))


def test_view_hides_what_flatten_shows():
    """On 32 x 32 the tutorial's form turns 16 images into 25 rows; the flatten form stops."""
    x = torch.zeros(16, 1, 32, 32)
    assert ThreadNet(head="view").eval()(x).shape == (25, 10)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        ThreadNet().eval()(x)


def test_output_dim_is_the_task_s():
    """The last layer has as many outputs as asked for."""
    assert ThreadNet(output_dim=7)(torch.zeros(2, 1, 28, 28)).shape == (2, 7)


def test_an_unknown_head_is_a_sentence():
    """A head that is neither form is named."""
    with pytest.raises(WhyshapeError) as problem:
        ThreadNet(head="pool")
    assert str(problem.value) == "head is 'pool', but it must be 'flatten' or 'view'"
