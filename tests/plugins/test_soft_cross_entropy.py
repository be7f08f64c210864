import pytest
import torch
from torch.nn import functional

from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import LOSSES

discover_plugins()


def distributions():
    torch.manual_seed(0)
    return torch.randn(3, 7, 4, 5), torch.randn(3, 7, 4, 5).mul(3).softmax(1), torch.zeros(3, 1, 9, 9)


def test_is_torchs_cross_entropy_with_probabilities():
    logits, target, mask = distributions()
    loss = LOSSES.build(dict(type='SoftCrossEntropy'))(logits, target, mask)
    torch.testing.assert_close(loss, functional.cross_entropy(logits, target))


def test_rebalancing_weighs_cells_by_their_likeliest_class():
    """Equations 3 and 4 of Zhang et al. 2016, cell by cell."""
    logits, target, mask = distributions()
    loss = LOSSES.build(dict(type='SoftCrossEntropy', rebalance=0.5))(logits, target, mask)
    shares = target.mean((0, 2, 3))
    weight = [1 / (0.5 * shares[int(cell.argmax())] + 0.5 / 7) for cell in target.movedim(1, -1).reshape(-1, 7)]
    cells = functional.cross_entropy(logits, target, reduction='none').flatten()
    expected = sum(w * c for w, c in zip(weight, cells, strict=True)) / sum(weight)
    torch.testing.assert_close(loss, expected)


def test_wrong_options_and_shapes_are_errors():
    with pytest.raises(ValueError, match='rebalance'):
        LOSSES.build(dict(type='SoftCrossEntropy', rebalance=0))
    with pytest.raises(ValueError, match='of one shape'):
        LOSSES.build(dict(type='SoftCrossEntropy'))(torch.rand(1, 3, 2, 2), torch.rand(1, 3, 4, 4), None)
