import torch
from torch import nn

from toolbox.nn.harmonic import harmonic_fill
from toolbox.nn.hole_window import restore_hole


class Watched(nn.Module):
    """Adds a constant, and remembers the sizes that it saw."""

    def __init__(self, amount=0.0):
        super().__init__()
        self.amount = amount
        self.seen = []

    def forward(self, x):
        self.seen.append(tuple(x.shape[2:]))
        return torch.full_like(x[:, :1], self.amount)


def with_hole(height, width, rows, columns):
    mask = torch.zeros(1, 1, height, width)
    mask[..., rows, columns] = 1
    return torch.rand(1, 1, height, width), mask


def test_what_the_network_adds_comes_on_the_harmonic_fill_in_the_hole_alone():
    gray, mask = with_hole(90, 120, slice(30, 50), slice(60, 90))
    restored = restore_hole(Watched(0.25).eval(), gray, mask, 96)
    assert torch.equal(restored[mask == 0], gray[mask == 0])
    filled = harmonic_fill(gray, mask)
    assert (restored - filled - 0.25)[mask > 0].abs().max() < 0.05


def test_a_small_hole_in_a_large_photograph_costs_its_surroundings():
    gray, mask = with_hole(1000, 1500, slice(500, 520), slice(10, 40))
    network = Watched().eval()
    restore_hole(network, gray, mask, 96)
    assert network.seen == [(52, 62)]


def test_a_large_hole_is_seen_reduced_and_filled_at_full_resolution():
    gray, mask = with_hole(800, 900, slice(100, 500), slice(200, 700))
    network = Watched(0.1).eval()
    restored = restore_hole(network, gray, mask, 96)
    assert max(network.seen[0]) == 192
    assert restored.shape == gray.shape


def test_training_sees_windows_of_one_size_in_one_batch():
    (gray, mask), (other, none) = with_hole(160, 160, slice(0, 20), slice(130, 160)), with_hole(160, 160, [], [])
    network = Watched().train()
    restored = restore_hole(network, torch.cat([gray, other]), torch.cat([mask, none]), 96)
    assert network.seen == [(96, 96)]
    assert torch.equal(restored[1:], other)


def test_an_intact_photograph_asks_no_network():
    gray, mask = with_hole(50, 50, [], [])
    network = Watched(1.0).eval()
    assert torch.equal(restore_hole(network, gray, mask, 96), gray)
    assert network.seen == []
