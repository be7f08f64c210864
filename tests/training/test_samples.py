import numpy as np

from toolbox.training.samples import sample_grid


def test_pictures_stand_side_by_side_below_their_labels():
    colors = {'input': 10, 'output': 120, 'truth': 200}
    rows = [{label: np.full((200, 300, 3), value, np.uint8) for label, value in colors.items()} for _ in range(2)]
    grid = sample_grid(rows)
    assert grid.dtype == np.uint8
    middle = grid[grid.shape[0] // 4]
    assert [int(middle[column, 0]) for column in (150, 450, 750)] == [10, 120, 200]
    for value in colors.values():
        assert (grid == value).all(axis=2).sum() >= 2 * 200 * 300


def test_small_pictures_are_enlarged_pixel_for_pixel():
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    grid = sample_grid([dict(only=picture)])
    factor = 192 // 5
    corner = grid[18 : 18 + 5 * factor : factor, 4 : 4 + 7 * factor : factor]
    np.testing.assert_array_equal(corner, picture)


def test_each_picture_is_enlarged_for_itself_up_to_a_cap():
    narrow, usual = np.zeros((1, 64, 3), np.uint8), np.zeros((512, 512, 3), np.uint8)
    grid = sample_grid([dict(only=narrow), dict(only=usual)])
    assert grid.shape == (18 + 16 + 4 + 512 + 4, 4 + 1024 + 4, 3)  # the one 16-fold, the other as it is
    huge = sample_grid([dict(only=np.zeros((4000, 50, 3), np.uint8))])
    assert huge.shape == (18 + 1024 + 4, 4 + 13 + 4, 3)


def test_a_grid_of_very_many_photographs_has_a_cap():
    row = {label: np.zeros((512, 1024, 3), np.uint8) for label in ('input', 'output', 'truth')}
    grid = sample_grid([row] * 200)
    assert 30_000_000 < grid.shape[0] * grid.shape[1] <= 65_000_000
