import numpy as np
import torch
from hypothesis import given, strategies as st

from toolbox.nn.pad import crop_to, pad_to_multiple


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 2, 8, 32]))
def test_reflects_as_numpy_does_for_any_size(height, width, multiple):
    image = torch.arange(2.0 * height * width).reshape(1, 2, height, width)
    padded = pad_to_multiple(image, multiple)
    rows, columns = -height % multiple, -width % multiple
    assert padded.shape == (1, 2, height + rows, width + columns)
    np.testing.assert_array_equal(padded[0], np.pad(image[0], ((0, 0), (0, rows), (0, columns)), mode='reflect'))
    assert torch.equal(crop_to(padded, height, width), image)


def test_leaves_an_image_that_fits_as_it_is():
    image = torch.rand(1, 1, 64, 32).contiguous(memory_format=torch.channels_last)
    assert pad_to_multiple(image, 32) is image


def test_padding_passes_gradients_back():
    image = torch.rand(1, 1, 5, 7, requires_grad=True)
    pad_to_multiple(image, 16).sum().backward()
    assert image.grad.sum() == 16 * 16
