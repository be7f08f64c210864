"""The symmetries of the square."""

import pytest
import torch

from toolbox.infer.symmetries import SYMMETRIES

IMAGE = torch.arange(2 * 1 * 3 * 5).reshape(2, 1, 3, 5)


@pytest.mark.parametrize('symmetry', SYMMETRIES['d4'])
def test_undo_undoes(symmetry):
    assert torch.equal(symmetry.undo(symmetry.apply(IMAGE)), IMAGE)


def test_there_are_eight_and_the_first_changes_nothing():
    seen = {
        tuple(symmetry.apply(IMAGE).shape) + tuple(symmetry.apply(IMAGE).flatten().tolist())
        for symmetry in SYMMETRIES['d4']
    }
    assert len(seen) == 8
    assert all(torch.equal(symmetries[0].apply(IMAGE), IMAGE) for symmetries in SYMMETRIES.values())
    assert SYMMETRIES['flip'][1].apply(IMAGE)[0, 0, 0].tolist() == [4, 3, 2, 1, 0]
