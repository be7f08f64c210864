"""Evidence for a hole of one gray, and shapes fitted to evidence."""

import numpy as np
from hypothesis import given, settings, strategies as st

from toolbox.images.drawn_shapes import draw_shape
from toolbox.images.fitted_shapes import fit_shape
from toolbox.images.gray_evidence import evidence_around, first_evidence, region_around, seeds

SIDE = 96
STARTS, LENGTHS = st.integers(8, 30), st.integers(20, 55)


def noisy(value: int, hole: np.ndarray) -> np.ndarray:
    """uint8 (H, W): noise, and one value in the hole."""
    noise = np.random.default_rng(0).integers(110, 256, hole.shape)
    return np.where(hole, value, noise).astype(np.uint8)


def iou(first: np.ndarray, second: np.ndarray) -> float:
    return np.count_nonzero(first & second) / np.count_nonzero(first | second)


@settings(max_examples=25)
@given(kind=st.sampled_from(['rectangle', 'ellipse']), left=STARTS, top=STARTS, width=LENGTHS, height=LENGTHS)
def test_a_shape_is_fitted_to_its_evidence(kind: str, left: int, top: int, width: int, height: int):
    shape = draw_shape(kind, np.array([[left, top], [left + width, top + height]]), (SIDE, SIDE))
    evidence = np.where(shape, 2, -3).astype(np.float32)
    fitted = fit_shape(evidence, [shape], corner_cost=10)
    assert fitted.kind == kind
    assert iou(fitted.pixels, shape) >= 0.98


def test_nothing_is_fitted_where_all_evidence_is_against_it():
    region = np.zeros((SIDE, SIDE), bool)
    region[20:40, 20:60] = True
    assert fit_shape(np.full((SIDE, SIDE), -1, np.float32), [region], corner_cost=10) is None


@settings(max_examples=25)
@given(value=st.integers(0, 100), left=STARTS, top=STARTS, width=LENGTHS, height=LENGTHS)
def test_the_likeliest_seed_is_inside_the_hole(value: int, left: int, top: int, width: int, height: int):
    hole = draw_shape('rectangle', np.array([[left, top], [left + width, top + height]]), (SIDE, SIDE))
    image = noisy(value, hole)
    best = seeds(image)[0]
    assert abs(best.value - value) <= 1
    assert not (best.pixels & ~hole).any()
    for evidence in (first_evidence(image, best), evidence_around(image, best, hole)):
        assert evidence.dtype == np.float32
        assert evidence[hole].min() > 0
        assert evidence.min() >= -4
        assert evidence.max() <= 3
        assert iou(region_around(evidence, best.pixels), hole) >= 0.9


def test_noise_has_no_seeds():
    assert seeds(noisy(0, np.zeros((SIDE, SIDE), bool))) == []
