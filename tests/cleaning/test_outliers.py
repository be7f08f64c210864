"""Outliers: the score, gentler settings, samples, stability, and that nothing is emptied."""

import numpy as np
import pytest

from toolbox.cleaning.memory import check_memory, estimate_bytes
from toolbox.cleaning.outliers import detect_outliers
from toolbox.cleaning.remoteness import Remoteness, squared_distances
from toolbox.cleaning.stability import Stability, compare_seeds
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import DETECTORS
from toolbox.plugin.types import Choice, Outliers

discover_plugins()
ALONE = np.full(400, -1)


def clouds(num_images: int = 400, strays: int = 6) -> np.ndarray:
    """Two clouds, the first `strays` images far away from both and from each other."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(num_images, 16))
    points[num_images // 2 :] += 8
    points[:strays] = rng.normal(size=(strays, 16)) * 60
    return points.astype(np.float32)


def detect(points: np.ndarray, detector: dict, fit_limit: int = 10_000, seed: int = 0, reducer: str = 'none'):
    said: list[str] = []
    return detect_outliers(points, dict(type=reducer), detector, seed, fit_limit, said.append), said


def test_squared_distances_are_those_of_scipy():
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(30, 5)).astype(np.float32), rng.normal(size=(20, 5)).astype(np.float32)
    np.testing.assert_allclose(squared_distances(one, other), cdist(one, other) ** 2, rtol=1e-3, atol=1e-4)


def test_the_score_is_the_formula():
    """Mean distance to the farther half of ten neighbors; its logarithm in spreads over the median of all."""
    from sklearn.neighbors import NearestNeighbors

    points = clouds()
    distances = NearestNeighbors(n_neighbors=11).fit(points).kneighbors(points)[0][:, 6:].mean(axis=1)
    logarithms = np.log(distances)
    median, lower = np.median(logarithms), np.quantile(logarithms, 0.25)
    spreads = np.maximum(0, (logarithms - median) / ((median - lower) / 0.6745))
    scores = Remoteness(points, ALONE, seed=0).scores
    np.testing.assert_allclose(scores, spreads / (spreads + 3.3), atol=1e-4)
    assert scores[:6].min() > 0.7
    assert (scores[6:] >= 0.5).mean() < 0.02
    assert np.median(scores) <= 0.01


def test_a_group_is_far_from_the_others_however_close_its_members_are():
    points = clouds(strays=0)
    points[:15] = 30 + np.random.default_rng(0).normal(size=(15, 16)) * 0.1
    groups = np.where(np.arange(400) < 15, 3, -1)
    assert Remoteness(points, ALONE, 0).scores[:15].max() < 0.5
    assert Remoteness(points, groups, 0).scores[:15].min() > 0.5


def test_a_sample_of_references_is_nearly_as_good_as_all():
    points = clouds(6000, 40)
    alone = np.full(len(points), -1)
    remoteness = Remoteness(points, alone, seed=1)
    assert remoteness.scores[:40].min() > 0.5
    assert (remoteness.scores[40:] >= 0.5).mean() < 0.02
    np.testing.assert_array_equal(Remoteness(points, alone, seed=1).scores, remoteness.scores)
    assert remoteness.of(points[:40] * 1.01, alone[:40]).min() > 0.5


@pytest.mark.parametrize('detector', ['HDBSCAN', 'KNNDistance', 'IsolationForest'])
def test_strays_are_dropped_and_hardly_anything_else(detector):
    detection, _ = detect(clouds(), dict(type=detector))
    assert not detection.outliers.keep[:6].any()
    assert (detection.outliers.label[:6] == -1).all()
    assert detection.outliers.keep[6:].mean() > 0.98


def test_a_small_strange_cluster_keeps_its_label():
    points = clouds(strays=0)
    points[:15] = 40 + np.random.default_rng(0).normal(size=(15, 16)) * 0.1
    detection, said = detect(points, dict(type='HDBSCAN'))
    labels = detection.outliers.label
    assert not detection.outliers.keep[:15].any()
    assert (labels[:15] == labels[0]).all()
    assert labels[0] >= 0
    assert (labels[15:] != labels[0]).all()
    assert said[0].startswith('min_cluster_size=')
    assert 'relative validity' in said[0]
    assert detection.detector['min_cluster_size'] in (5, 10, 20, 40)


def test_a_given_size_is_not_chosen_again():
    detection, said = detect(clouds(), dict(type='HDBSCAN', min_cluster_size=7))
    assert detection.detector['min_cluster_size'] == 7
    assert said == ['min_cluster_size=7: as given']


def test_much_noise_is_said_and_gentler_settings_are_tried_in_order():
    points = np.random.default_rng(0).uniform(size=(300, 2)).astype(np.float32)
    options = dict(min_cluster_size=20, min_samples=20, cluster_selection_method='leaf')
    detection, said = detect(points, dict(type='HDBSCAN', **options))
    assert 'came out as noise' in said[1]
    tried = [text.partition(':')[0] for text in said[2:]]
    steps = ('10', '5', '1', '1, allow_single_cluster=True')
    assert tried == [f'tried min_samples={step}' for step in steps][: len(tried)]
    assert tried
    assert detection.notes == said
    assert detection.outliers.keep.mean() > 0.9  # noise is shown, and dropped by the score alone
    assert detection.outliers.keep[detection.outliers.label == -1].any()


@pytest.fixture
def drops_most():
    @DETECTORS.register_module(name='DropsMost')
    class DropsMost:
        """Drops nine of ten."""

        def fit(self, reduced, embedding):
            score = np.linspace(0, 1, len(reduced), dtype=np.float32)
            return Outliers(np.where(score < 0.1, 0, -1), score, score < 0.1)

        def choose(self, reduced):
            return Choice({}, 'nothing to choose')

    yield 'DropsMost'
    del DETECTORS.module_dict['DropsMost']


def test_a_data_set_is_never_emptied(drops_most):
    detection, said = detect(clouds(), dict(type=drops_most))
    assert detection.outliers.keep.all()
    assert (detection.outliers.label == -1).mean() > 0.8
    assert 'would drop 90%' in said[-1]


@pytest.mark.parametrize('count', [0, 1, 9])
def test_of_a_few_images_none_is_judged(count):
    detection, _ = detect(clouds(400)[:count], dict(type='HDBSCAN'))
    assert detection.outliers.keep.all()
    assert len(detection.outliers.label) == len(detection.reduced) == count
    assert 'too few' in detection.notes[0]


@pytest.mark.parametrize('detector', ['HDBSCAN', 'KNNDistance', 'IsolationForest'])
def test_beyond_the_limit_a_sample_is_fitted_and_the_others_are_placed(detector):
    points = clouds(1000)
    detection, said = detect(points, dict(type=detector), fit_limit=300, reducer='PCA')
    assert '300 of 1,000' in said[0]
    assert len(detection.reduced) == len(detection.outliers.keep) == 1000
    assert detection.outliers.keep[:6].sum() <= 1
    assert detection.outliers.keep[6:].mean() > 0.95
    if detector == 'HDBSCAN':
        clustered = detection.outliers.label[6:] >= 0
        assert clustered.mean() > 0.8
        assert len(np.unique(detection.outliers.label[6:500][clustered[:494]])) == 1


def test_stability_compares_seeds():
    points = clouds()
    detection, _ = detect(points, dict(type='IsolationForest', n_trees=20), seed=5)
    stability = compare_seeds(detection, points, dict(type='none'), seed=5, num_seeds=3)
    assert stability.seeds == (6, 7, 8)
    assert 0.9 < stability.agreement <= 1
    certain, _ = detect(points, dict(type='KNNDistance'))
    assert compare_seeds(certain, points, dict(type='none'), 0, 2) == Stability((1, 2), 1.0, 1.0)
    assert compare_seeds(certain, points, dict(type='none'), 0, 0) is None


def test_umap_and_hdbscan_repeat_themselves():
    first, again = (detect(clouds(), dict(type='HDBSCAN'), reducer='UMAP')[0] for _ in range(2))
    np.testing.assert_array_equal(first.reduced, again.reduced)
    np.testing.assert_array_equal(first.outliers.score, again.outliers.score)
    np.testing.assert_array_equal(first.outliers.label, again.outliers.label)
    assert not first.outliers.keep[:6].any()


def test_memory_is_told_and_too_little_is_an_error():
    assert estimate_bytes(30_000, 512, 50_000) < 8e9
    assert '30,000 files' in check_memory(30_000, 512, 50_000, available=None)
    with pytest.raises(ValueError, match=r'2.0 GB are free; .* a smaller fit_limit \(now 50000\)'):
        check_memory(1_000_000, 512, 50_000, available=2e9)
