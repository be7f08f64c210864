import numpy as np
import pytest

from toolbox.data.transforms import Aging, PhotoTransform

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


@pytest.mark.parametrize('shape', [(200, 300), (90, 40), (64, 64), (5, 9)])
def test_scaled_crops_have_the_size_whatever_the_photograph(shape):
    transform = PhotoTransform(64, True, True, FLIP, crop_scale=(0.5, 1.0))
    rgb, masks = transform(photo(*shape), [np.ones(shape, np.uint8)], np.random.default_rng(1))
    assert rgb.shape == (64, 64, 3)
    assert masks[0].shape == (64, 64)


def test_scaled_crops_show_more_and_less_and_validation_does_not():
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::16] = 255
    transform = PhotoTransform(64, True, True, (), crop_scale=(0.25, 1.0))
    counts = {int((transform(stripes, [], np.random.default_rng(seed))[0][0, :, 0] > 60).sum()) for seed in range(20)}
    assert len(counts) > 3
    assert PhotoTransform(64, True, False, (), crop_scale=(0.25, 1.0)).crop_scale is None


@pytest.mark.parametrize('wrong', [(0.5,), (0, 1), (0.8, 0.5), (0.5, 1.5), ('a', 1), (True, 1)])
def test_a_wrong_crop_scale_is_an_error(wrong):
    with pytest.raises(ValueError, match=r'data\.crop_scale=.*like \(0\.6, 1\.0\)'):
        PhotoTransform(64, True, True, (), crop_scale=wrong)


def test_aging_changes_the_gray_and_is_decided_by_the_generator():
    gray = photo(40, 40)[..., 0]
    aging = Aging([dict(type='GaussNoise', std_range=(0.1, 0.1), p=1.0), dict(type='ImageCompression', p=1.0)])
    aged = [aging(gray, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert aged[0].shape == gray.shape
    assert aged[0].dtype == np.uint8
    assert (aged[0] == aged[1]).all()
    assert (aged[0] != aged[2]).any()
    assert Aging()(gray, None) is gray


@pytest.mark.parametrize(
    ('transform', 'message'),
    [
        (dict(type='HorizontalFlip'), r'data\.aging\.0: HorizontalFlip moves pixels.*data\.transforms'),
        (dict(type='GausNoise'), r"data\.aging\.0: 'GausNoise' is no transform.*GaussNoise"),
    ],
)
def test_mistyped_aging_is_an_error(transform, message):
    with pytest.raises(ValueError, match=message):
        Aging([transform])
