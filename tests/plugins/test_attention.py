"""Attention blocks against their papers' arithmetic; the contract they share is tested in tests/test_contracts.py."""

import math

import pytest
import torch
from torch import Tensor, nn

from toolbox.plugin.checks import attention as contract
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import ATTENTION

discover_plugins()

C = 448  # the deepest feature of EfficientNet-B4


def build(name: str, channels: int, **options) -> nn.Module:
    torch.manual_seed(0)
    return ATTENTION.build(dict(type=name, **options), channels=channels)


def features(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('none', 0),
        ('CBAM', 2 * C * 28 + 2 * 49),
        ('SE', 2 * C * 28 + 28 + C),
        ('ECA', 5),  # (log2(448) + 1) / 2 = 4.9, whose integer part 4 is even
        ('scSE', 2 * C * 224 + 224 + C + C + 1),
        ('CoordAttention', 3 * C * 14 + 2 * 14 + 2 * C),
        ('BAM', (2 * C * 28 + 28 + C + 2 * C) + (C * 28 + 2 * 28) + 2 * (9 * 28 * 28 + 2 * 28) + 28 + 1),
        ('GlobalContext', C + 1 + 2 * C * 28 + 28 + C + 2 * 28),
        ('SelfAttention', 4 * C * C + 6 * C + 1),
    ],
)
def test_number_of_parameters(name, expected):
    assert sum(p.numel() for p in build(name, C).parameters()) == expected


def test_cbam_is_equations_2_and_3():
    block, x = build('CBAM', 6, reduction=2, kernel_size=3), features(2, 6, 5, 4)
    narrow, widen = block.channel_perceptron[0].weight[..., 0, 0], block.channel_perceptron[2].weight[..., 0, 0]

    def perceptron(pooled: Tensor) -> Tensor:
        return torch.relu(pooled @ narrow.T) @ widen.T

    gate = torch.sigmoid(perceptron(x.mean((2, 3))) + perceptron(x.flatten(2).max(-1).values))
    refined = x * gate[:, :, None, None]
    maps = torch.stack([refined.mean(1), refined.max(1).values], dim=1)
    spatial = torch.sigmoid(torch.conv2d(maps, block.spatial_conv.weight, padding=1))
    torch.testing.assert_close(block(x), refined * spatial)


def test_coord_attention_is_timms():
    from timm.layers.coord_attn import CoordAttn

    ours, theirs = build('CoordAttention', 20, reduction=2), CoordAttn(20, rd_channels=10, bias=True)
    parameters = iter(ours.state_dict().values())
    state = {name: next(parameters) for name in theirs.state_dict() if name != 'conv1.bias'}
    state['conv1.bias'] = torch.zeros(10)
    theirs.load_state_dict(state)
    x = features(2, 20, 5, 7)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


def test_scse_adds_channel_and_pixel_attention():
    block, x = build('scSE', 4), features(2, 4, 3, 5)
    with torch.no_grad():
        nn.init.zeros_(block.channel_perceptron[2].weight)
        nn.init.zeros_(block.channel_perceptron[2].bias)
    pixel_gate = torch.sigmoid(
        torch.einsum('c, nchw -> nhw', block.pixel_conv.weight.flatten(), x) + block.pixel_conv.bias
    )
    torch.testing.assert_close(block(x), x * (0.5 + pixel_gate[:, None]))


def test_bam_has_a_residual():
    block, x = build('BAM', 8), features(2, 8, 9, 9)
    ratio = block(x) / x
    assert ratio.min() > 1
    assert ratio.max() < 2


def test_self_attention_starts_as_the_identity():
    x = features(2, 8, 3, 4)
    torch.testing.assert_close(build('SelfAttention', 8)(x), x)


def test_self_attention_is_softmax_of_scaled_products():
    block, x = build('SelfAttention', 6, heads=2), features(1, 6, 2, 3)
    nn.init.ones_(block.scale)
    normed = (x - x.mean(1, keepdim=True)) / torch.sqrt(x.var(1, keepdim=True, unbiased=False) + 1e-5)
    query, key, value = block.query_key_value(normed).flatten(2)[0].chunk(3)
    heads = []
    for rows in (slice(0, 3), slice(3, 6)):
        weights = torch.softmax(query[rows].T @ key[rows] / math.sqrt(3), dim=-1)
        heads.append(value[rows] @ weights.T)
    expected = x + block.projection(torch.cat(heads).view(1, 6, 2, 3))
    torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize(('channels', 'heads'), [(1, 1), (7, 7), (11, 1), (12, 6), (448, 8)])
def test_self_attention_takes_heads_that_divide(channels, heads):
    assert build('SelfAttention', channels).heads == heads


@pytest.mark.parametrize(
    ('name', 'option', 'value'),
    [
        ('CBAM', 'kernel_size', 4),
        ('CBAM', 'reduction', 0),
        ('SE', 'reduction', -1),
        ('ECA', 'gamma', 0),
        ('BAM', 'dilation', 0),
        ('GlobalContext', 'fusion', 'concat'),
        ('SelfAttention', 'heads', 0),
    ],
)
def test_impossible_options_are_named(name, option, value):
    with pytest.raises(ValueError, match=option):
        build(name, 8, **{option: value})


class _Broken(nn.Module):
    def __init__(self, channels: int, forward) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self._forward = forward

    def forward(self, x: Tensor) -> Tensor:
        return self._forward(self, x)


@pytest.mark.parametrize(
    ('forward', 'words'),
    [
        (lambda block, x: x[:, :, :1], 'shape'),
        (lambda block, x: x.double(), 'float64'),
        (lambda block, x: x / x.std((2, 3), unbiased=False, keepdim=True), 'not finite'),
        (lambda block, x: block.norm(x), 'batch of one'),
        (lambda block, x: x.detach() * 2, 'gives its input no gradient'),
        (lambda block, x: x * 2 if torch.is_grad_enabled() else x.mul_(2), 'in place'),
        (lambda block, x: x + torch.rand(()), 'two answers'),
        (lambda block, x: x - x.mean(0, keepdim=True), 'mixes the images'),
        (lambda block, x: x.bfloat16() if torch.is_autocast_enabled('cpu') else x, 'autocast'),
        (lambda block, x: [x], 'list'),
    ],
)
def test_the_contract_says_what_is_violated(forward, words):
    assert words in ' '.join(contract.violations(lambda channels: _Broken(channels, forward)))
