from copy import copy

import pytest
import torch
from torch import nn

from toolbox.nn.depthwise import DepthwiseConv2d, speed_up_depthwise


def sped_up(conv):
    """The same convolution, with the same parameters."""
    faster = copy(conv)
    speed_up_depthwise(faster)
    assert type(faster) is DepthwiseConv2d
    return faster


def answers(conv, x):
    """The convolution of x, and the gradients of x and the parameters for some gradient of the answer."""
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    out = conv(x)
    torch.manual_seed(1)
    return [out, *torch.autograd.grad((out * torch.randn_like(out)).sum(), [x, *conv.parameters()])]


@pytest.mark.parametrize(('dtype', 'tolerance'), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    ('kernel', 'stride', 'padding', 'bias'),
    [
        (1, 1, 0, False),
        (3, 2, 1, True),
        (4, 1, 0, False),
        (5, 1, 2, True),
        (5, 2, 2, False),
        (5, 3, 0, False),
        (7, 1, 3, True),
        (7, 4, 1, False),
        ((3, 9), (1, 2), (4, 5), True),
        ((9, 3), (2, 1), (1, 0), False),
    ],
)
@pytest.mark.parametrize(('height', 'width'), [(13, 12), (9, 17)])
def test_gradients_are_torchs(dtype, tolerance, layout, kernel, stride, padding, bias, height, width):
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 6, kernel, stride, padding, groups=6, bias=bias).to(dtype)
    x = torch.randn(2, 6, height, width, dtype=dtype).to(memory_format=layout)
    assert_equal_answers(plain, x, tolerance)


@pytest.mark.parametrize(('kernel', 'stride', 'padding'), [(5, 1, 2), (7, 1, 3), (7, 2, 3), (9, 1, 8), (9, 5, 8)])
@pytest.mark.parametrize('width', [1, 2, 4])
def test_columns_of_a_kernel_may_meet_nothing_but_padding(kernel, stride, padding, width):
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 3, kernel, stride, padding, groups=3).double()
    assert_equal_answers(plain, torch.randn(2, 3, 5, width, dtype=torch.float64), 1e-12)


def assert_equal_answers(plain, x, tolerance):
    for ours, expected in zip(answers(sped_up(plain), x), answers(plain, x), strict=True):
        assert ours.dtype == expected.dtype
        assert ours.shape == expected.shape
        assert (ours - expected).abs().max() <= tolerance * expected.abs().max().clamp(min=1)


@pytest.mark.parametrize(('kernel', 'stride'), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_under_autocast_its_gradients_are_as_near_to_those_of_float32_as_torchs(kernel, stride):
    torch.manual_seed(0)
    plain = nn.Conv2d(16, 16, kernel, stride, kernel // 2, groups=16)
    x = torch.randn(2, 16, 24, 24).to(memory_format=torch.channels_last)
    exact = answers(plain, x)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        theirs, ours = answers(plain, x), answers(sped_up(plain), x)
    for one, other, expected in zip(ours, theirs, exact, strict=True):
        assert one.dtype == other.dtype
        assert (one - expected).abs().mean() <= 1.1 * (other - expected).abs().mean()


def test_second_derivatives_are_there():
    torch.manual_seed(0)
    conv = sped_up(nn.Conv2d(2, 2, 5, 2, 2, groups=2).double())
    x = torch.randn(1, 2, 7, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(conv, x)


def test_what_needs_no_gradient_gets_none():
    conv = sped_up(nn.Conv2d(2, 2, 5, groups=2))
    conv.weight.requires_grad_(False)
    x = torch.randn(1, 2, 8, 8)
    conv(x).sum().backward()
    assert conv.weight.grad is None
    assert conv.bias.grad is not None
    with torch.no_grad():
        assert not conv(x).requires_grad


def test_depthwise_convolutions_alone_are_sped_up_and_keep_their_hooks():
    kept = {
        'dense': nn.Conv2d(4, 4, 3),
        'grouped': nn.Conv2d(4, 4, 3, groups=2),
        'widening': nn.Conv2d(4, 8, 3, groups=4),
        'dilated': nn.Conv2d(4, 4, 3, dilation=2, groups=4),
        'reflected': nn.Conv2d(4, 4, 3, padding=1, padding_mode='reflect', groups=4),
        'same': nn.Conv2d(4, 4, 3, padding='same', groups=4),
        'one channel': nn.Conv2d(1, 1, 3),
    }
    depthwise = nn.Conv2d(4, 4, 5, groups=4)
    network = nn.ModuleDict({**kept, 'depthwise': nn.Sequential(depthwise)})
    seen = []
    depthwise.register_forward_hook(lambda *_: seen.append('hook'))
    speed_up_depthwise(network)
    speed_up_depthwise(network)
    assert all(type(layer) is nn.Conv2d for layer in kept.values())
    assert network['depthwise'][0] is depthwise
    assert type(depthwise) is DepthwiseConv2d
    depthwise(torch.rand(1, 4, 5, 5))
    assert seen == ['hook']
