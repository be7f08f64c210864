import numpy as np
import pytest

from toolbox.data.transforms import PhotoTransform

FLIP = [dict(type='HorizontalFlip', p=0.5)]


def photo(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ('shape', 'reduce', 'expected'),
    [
        ((200, 300), True, (64, 64)),
        ((200, 300), False, (64, 64)),
        ((64, 64), True, (64, 64)),
        ((40, 300), True, (40, 64)),  # never enlarged
        ((5, 7), True, (5, 7)),
        ((1, 1), True, (1, 1)),
        ((65, 900), True, (64, 64)),
    ],
)
@pytest.mark.parametrize('training', [True, False])
def test_crops_never_exceed_the_size_and_are_never_enlarged(shape, reduce, expected, training):
    transform = PhotoTransform(64, reduce, training, FLIP)
    rgb, masks = transform(photo(*shape), [np.ones(shape, np.uint8)], np.random.default_rng(1))
    assert rgb.shape[:2] == expected
    assert rgb.dtype == np.uint8
    assert masks[0].shape == expected


def test_the_generator_alone_decides():
    transform = PhotoTransform(32, False, True, [*FLIP, dict(type='RandomBrightnessContrast', p=0.9)])
    image = photo(100, 120)
    first = [transform(image, [], np.random.default_rng(seed))[0] for seed in range(8)]
    again = [transform(image, [], np.random.default_rng(seed))[0] for seed in reversed(range(8))][::-1]
    np.testing.assert_array_equal(first, again)
    assert len({image.tobytes() for image in first}) == 8


def test_validation_takes_the_center_and_nothing_else():
    image = photo(100, 121)
    rgb, _ = PhotoTransform(40, False, False, FLIP)(image, [], np.random.default_rng(5))
    np.testing.assert_array_equal(rgb, image[30:70, 40:80])


def test_masks_move_with_the_photograph_and_keep_their_values():
    rgb = photo(90, 90)
    rgb[..., 1] = rgb[..., 0]
    transform = PhotoTransform(50, True, True, FLIP)
    for seed in range(10):
        mask = (np.arange(90 * 90).reshape(90, 90) % 251).astype(np.uint8)
        _, (moved,) = transform(rgb, [mask], np.random.default_rng(seed))
        assert set(np.unique(moved)) <= set(np.unique(mask))
    crop = PhotoTransform(50, False, True, FLIP)
    cropped, (channel,) = crop(rgb, [rgb[..., 0].copy()], np.random.default_rng(3))
    np.testing.assert_array_equal(cropped[..., 0], channel)


@pytest.mark.parametrize(
    ('transform', 'message'),
    [
        (dict(type='HorizontalFlop'), "did you mean 'HorizontalFlip'"),
        (dict(type='HorizontalFlip', q=1), "takes no option 'q'"),
        (dict(p=1), 'is no transform'),
    ],
)
def test_mistyped_transforms_are_errors_with_a_suggestion(transform, message):
    with pytest.raises(ValueError, match=message):
        PhotoTransform(32, True, True, [transform])
