"""Losses that hold a network: Perceptual and PatchGAN."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.plugins.losses_support import build
from toolbox.nn.frozen import FrozenNetwork
from toolbox.plugin.registry import LOSSES

TINY = dict(backbone='test_resnet', weights=None, layers=(0, 1, 2))


def image(seed: int, channels: int = 3, side: int = 64) -> Tensor:
    return torch.rand(2, channels, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def mask() -> Tensor:
    mask = torch.zeros(2, 1, 64, 64)
    mask[..., :32, :32] = 1
    return mask


def test_frozen_network_follows_its_owner_and_takes_no_part_in_it():
    owner = torch.nn.Sequential(FrozenNetwork(torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout())))
    assert not list(owner.parameters())
    assert not owner.state_dict()
    owner.train()
    network = owner[0].network
    assert not network.training
    owner.double()
    assert network[0].weight.dtype == torch.float64
    x = torch.ones(1, 3, dtype=torch.float64, requires_grad=True)
    owner(x).sum().backward()
    assert x.grad.any()
    assert network[0].weight.grad is None
    assert copy.deepcopy(owner)[0].network is not network


def test_perceptual_is_the_distance_of_directions(mask):
    loss = build('Perceptual', **TINY)
    pred, target = image(0), image(1)
    encoder = loss.encoder.network
    # test_resnet normalizes with 0.5 and 0.5
    layers = [[F.normalize(feature, dim=1) for feature in encoder((x - 0.5) / 0.5)] for x in (pred, target)]
    expected = sum((x - y).square().sum(1).mean() for x, y in zip(*layers, strict=True)) / 3
    torch.testing.assert_close(loss(pred, target, mask), expected, rtol=1e-4, atol=1e-5)


def test_perceptual_counts_the_places_of_its_region(mask):
    pred, target = image(0), image(1)
    in_hole = torch.where(mask > 0, pred, target)
    hole, known, everywhere = (
        build('Perceptual', region=region, **TINY)(in_hole, target, mask) for region in ('hole', 'known', 'all')
    )
    torch.testing.assert_close(everywhere, hole / 4 + known * 3 / 4)
    assert known < hole


def test_perceptual_without_weights_is_the_same_in_each_run_and_leaves_the_random_state_alone(mask):
    first = build('Perceptual', **TINY)(image(0), image(1), mask)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    second = LOSSES.build(dict(type='Perceptual', **TINY))(image(0), image(1), mask)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, second)


def test_perceptual_takes_gray_as_three_equal_channels(mask):
    loss, pred, target = build('Perceptual', **TINY), image(0, 1), image(1, 1)
    colored = loss(pred.expand(-1, 3, -1, -1), target.expand(-1, 3, -1, -1), mask)
    torch.testing.assert_close(loss(pred, target, mask), colored)


def test_perceptual_has_no_weights_in_checkpoints():
    loss = build('Perceptual', **TINY)
    assert not loss.state_dict()
    assert not list(loss.parameters())


def test_the_critic_is_the_papers():
    critic = build('PatchGAN').critic
    shape = critic(torch.zeros(1, 5, 256, 256)).shape
    assert shape == (1, 1, 30, 30)
    convolutions = [m for m in critic if isinstance(m, torch.nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [64, 128, 256, 512, 1]
    patch = 1
    for convolution in reversed(convolutions):
        patch = (patch - 1) * convolution.stride[0] + convolution.kernel_size[0]
    assert patch == 70


@pytest.mark.parametrize(
    ('objective', 'restorer', 'critic'),
    [
        ('lsgan', 1.0, 0.5),
        ('bce', 0.6931472, 0.6931472),
        ('hinge', 0.0, 1.0),
    ],
)
def test_objectives_of_a_critic_that_says_zero(objective, restorer, critic, mask):
    loss = build('PatchGAN', objective=objective, channels=4)
    with torch.no_grad():
        for parameter in loss.critic[-1].parameters():
            parameter.zero_()
    assert loss(image(0), image(1), mask).item() == pytest.approx(restorer)
    assert loss.critic_loss(image(0), image(1), mask).item() == pytest.approx(critic)


@pytest.mark.parametrize('objective', ['lsgan', 'bce', 'hinge'])
def test_the_critic_learns_and_the_restorer_follows(objective, mask):
    loss = build('PatchGAN', objective=objective, channels=8, layers=2)
    pred, target = image(0).requires_grad_(), 0.5 + 0 * image(1)
    optimizer = torch.optim.Adam(loss.critic.parameters(), lr=2e-3)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        value = loss.critic_loss(pred, target, mask)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    assert losses[-1] < 0.75 * losses[0]
    assert pred.grad is None
    before = loss(pred, target, mask)
    before.backward()
    with torch.no_grad():
        moved = pred - 0.05 * pred.grad.sign()
    assert loss(moved, target, mask) < before


def test_the_restorers_loss_leaves_the_critic_alone(mask):
    loss, pred = build('PatchGAN', channels=4), image(0).requires_grad_()
    loss(pred, image(1), mask).backward()
    assert pred.grad.any()
    assert all(p.grad is None and p.requires_grad for p in loss.critic.parameters())


def test_the_critics_optimizer_is_an_option():
    assert build('PatchGAN').critic_optimizer == dict(type='Adam', lr=2e-4, betas=(0.5, 0.999))
    assert build('PatchGAN', critic_optimizer=dict(type='SGD', lr=1)).critic_optimizer == dict(type='SGD', lr=1)
