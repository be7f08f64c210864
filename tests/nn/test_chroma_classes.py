import numpy as np
import skimage.color
import torch
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from toolbox.images.color import chroma_from_rgb, lab_from_rgb, luma, rgb_from_chroma, rgb_from_lab
from toolbox.nn.chroma_classes import class_centers, class_hues, encode, mean_chroma, num_classes

COLORS = arrays(np.uint8, (1, 3, 2, 3)).map(lambda image: torch.from_numpy(image) / 255)


@settings(max_examples=50, deadline=None)
@given(COLORS)
def test_lab_is_skimages_and_comes_back(rgb):
    lab = lab_from_rgb(rgb)
    reference = skimage.color.rgb2lab(rgb.movedim(1, -1).numpy())
    np.testing.assert_allclose(lab.movedim(1, -1).numpy(), reference, atol=2e-3)
    torch.testing.assert_close(rgb_from_lab(lab), rgb, atol=1e-4, rtol=0)


def test_the_classes_are_the_cells_that_colors_of_bytes_fall_into():
    level = np.arange(0, 256, 15, dtype=np.uint8)
    rgb = np.stack(np.meshgrid(level, level, level), -1).reshape(-1, 1, 3)
    cells = np.unique((skimage.color.rgb2lab(rgb)[:, 0, 1:] / 10).round().astype(int), axis=0)
    ours = {tuple(map(int, center)) for center in class_centers() / 10}
    assert {tuple(map(int, cell)) for cell in cells} <= ours
    assert len(ours) == num_classes() == len(class_centers())


@settings(max_examples=30, deadline=None)
@given(COLORS)
def test_encoding_is_a_distribution_around_the_nearest_class(rgb):
    encoded = encode(rgb)
    torch.testing.assert_close(encoded.sum(1), torch.ones(1, 2, 3))
    assert ((encoded > 0).sum(1) <= 5).all()
    ab = lab_from_rgb(rgb)[0, 1:].flatten(1).T
    likeliest = class_centers()[encoded[0].flatten(1).argmax(0)]
    assert ((likeliest - ab).norm(dim=1) <= torch.cdist(ab, class_centers()).min(1).values + 1.0).all()


def test_a_certain_class_is_its_color_and_a_cold_mean_the_likeliest():
    gray = torch.full((1, 1, 1, 1), 0.6)
    index = int(((class_centers() - torch.tensor([20.0, 30.0])).norm(dim=1)).argmin())
    logits = torch.zeros(1, num_classes(), 1, 1)
    logits[0, index] = 2
    rgb = rgb_from_chroma(gray, mean_chroma(logits, gray, 1e-6))
    lab = lab_from_rgb(rgb)[0, :, 0, 0]
    np.testing.assert_allclose(lab[1:].numpy(), class_centers()[index], atol=5)
    assert abs(float(luma(rgb)) - 0.6) < 1e-5
    warm = mean_chroma(logits, gray, 1.0)
    assert warm.norm() < chroma_from_rgb(rgb).norm()


def test_hues_of_classes_are_shares():
    torch.testing.assert_close(class_hues().sum(1), torch.ones(num_classes()))
    red = int((class_centers() - torch.tensor([70.0, 50.0])).norm(dim=1).argmin())
    assert class_hues()[red, [*range(12), *range(170, 180)]].sum() > 0.95
