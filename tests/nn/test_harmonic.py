import numpy as np
import torch
from hypothesis import given, settings, strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import spsolve

from toolbox.nn.harmonic import harmonic_fill


def exact(image, hole):
    """Laplace's equation in the hole, solved directly; image (H, W), hole away from the border."""
    ys, xs = np.nonzero(hole)
    number = -np.ones(hole.shape, int)
    number[ys, xs] = np.arange(len(ys))
    matrix, right = np.eye(len(ys)) * 4, np.zeros(len(ys))
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        neighbor = number[ys + dy, xs + dx]
        inside = neighbor >= 0
        matrix[np.nonzero(inside)[0], neighbor[inside]] -= 1
        right[~inside] += image[ys + dy, xs + dx][~inside]
    filled = image.copy()
    filled[ys, xs] = spsolve(csr_matrix(matrix), right)
    return filled


def test_is_near_the_exact_solution():
    image = np.random.default_rng(0).random((40, 48)).cumsum(1) / 48
    hole = np.zeros((40, 48), bool)
    hole[8:30, 10:34] = True
    hole[25:35, 20:25] = True
    filled = harmonic_fill(torch.tensor(image)[None, None], torch.tensor(hole, dtype=torch.float64)[None, None])
    error = np.abs(filled[0, 0].numpy() - exact(image, hole))
    assert error.max() < 0.03
    assert error.mean() < 0.002


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_fills_between_the_extremes_of_what_is_known(height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    image, draw = torch.rand(2, 1, height, width, generator=generator), torch.rand(2, generator=generator)
    mask = (torch.rand(2, 1, height, width, generator=generator) < draw.view(2, 1, 1, 1)).float()
    filled = harmonic_fill(torch.where(mask > 0, 99.0, image), mask)
    assert torch.equal(filled[mask == 0], image[mask == 0])
    for one, hole, truth in zip(filled, mask, image, strict=True):
        known = truth[hole == 0] if (hole == 0).any() else torch.tensor([0.5])
        assert one.min() >= known.min() - 1e-5
        assert one.max() <= known.max() + 1e-5


def test_an_image_depends_on_itself_alone():
    image, mask = torch.rand(3, 1, 20, 20), torch.zeros(3, 1, 20, 20)
    mask[0, :, 5:12, 5:12] = mask[1, :, 2:18, 3:6] = 1
    together = harmonic_fill(image, mask)
    alone = torch.cat([harmonic_fill(image[i : i + 1], mask[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone)
