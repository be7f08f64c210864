"""The benchmark of a cleaning run's judgment; never how fast it is."""

import numpy as np
import pytest

from benchmarks.clean import benchmark_clean, synthetic_embeddings


def test_every_step_is_timed_and_the_overhead_told():
    result = benchmark_clean(num_images=60, dimensions=8, stability_seeds=1)
    assert set(result.libraries) == set(result.plugins) == {'reduce', 'detect'}
    assert {'duplicates', 'reduce', 'choose', 'detect', 'stability'} <= set(result.run)
    assert 'overhead of one fit: ' in str(result)
    assert '60 embeddings of 8 numbers' in str(result)


def test_synthetic_embeddings_are_unit_vectors_and_always_the_same():
    embedding = synthetic_embeddings(500, 16)
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(synthetic_embeddings(500, 16), embedding)


def test_too_few_images_are_an_error():
    with pytest.raises(ValueError, match='expected at least 10 images'):
        benchmark_clean(num_images=9)
