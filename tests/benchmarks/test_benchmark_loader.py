"""What the loader makes and what a card could take: counted as it says."""

import pytest

from benchmarks.loader import CARDS, LoaderBenchmark, LoaderRow, benchmark_loader


def test_a_shipped_recipe_is_timed_and_counted(photo_folder):
    (row,) = benchmark_loader(str(photo_folder), photo_size=64, images=3, recipes=['restorer_lite0']).rows
    assert row.milliseconds > row.decoding > 0
    assert row.damaging > 0
    # Two EfficientNet-Lite0 on 96 and 128 px: 0.4 G multiplications each at 224 px, decoders beside them.
    assert 1 < row.gflop < 10


def test_cores_follow_from_what_a_card_takes():
    row = LoaderRow('recipe', 256, 512, milliseconds=10, decoding=7, damaging=1, gflop=50)
    assert row.takes(100) == pytest.approx(1000)  # half of 100 TFLOP/s
    assert row.cores(100) == pytest.approx(10)
    printed = str(LoaderBenchmark('a machine', [row])).splitlines()
    assert len(printed[1]) == len(printed[2])
    assert all(f'{card} takes' in printed[1] for card in CARDS)


def test_too_few_photographs_are_an_error():
    with pytest.raises(ValueError, match='expected at least one'):
        benchmark_loader(images=0)
