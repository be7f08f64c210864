"""The contract check of metrics passes the shipped metric and catches what breaks it."""

import pytest
import torch

from plugins.metrics.leaderboard import Leaderboard
from toolbox.plugin.checks.metrics import violations


class Mutating(Leaderboard):
    def rows(self, prediction, truth, hole):
        prediction[..., 0] = 0
        return super().rows(prediction, truth, hole)


class Forgetful(Leaderboard):
    def rows(self, prediction, truth, hole):
        return super().rows(prediction, truth, hole)[1:]


class Undefined(Leaderboard):
    def rows(self, prediction, truth, hole):
        rows = super().rows(prediction, truth, hole)
        return [
            {**row, 'score': row['score'] if mask.any() else float('nan')} for row, mask in zip(rows, hole, strict=True)
        ]


class BatchDependent(Leaderboard):
    def rows(self, prediction, truth, hole):
        return [{**row, 'score': row['score'] / len(truth)} for row in super().rows(prediction, truth, hole)]


class Random(Leaderboard):
    def rows(self, prediction, truth, hole):
        return [{**row, 'score': float(torch.rand(()))} for row in super().rows(prediction, truth, hole)]


class Unsteady(Leaderboard):
    def reduce(self, rows):
        return {**super().reduce(rows), 'score': rows[0]['score']}


class Nameless(Leaderboard):
    name = 'psnr'


class UpsideDown(Leaderboard):
    higher_is_better = False


@pytest.mark.parametrize(
    ('metric', 'complaint'),
    [
        (Mutating, 'changes its inputs'),
        (Forgetful, 'returns 2 rows for 3 images'),
        (Undefined, 'gives score = nan'),
        (BatchDependent, 'in another batch'),
        (Random, 'when asked again'),
        (Unsteady, 'in another order'),
        (Nameless, 'own name'),
        (UpsideDown, 'no better than a noisy copy'),
    ],
)
def test_broken_metrics_are_found_out(metric, complaint):
    assert any(complaint in violation for violation in violations(metric))


def test_the_leaderboard_keeps_the_contract():
    assert list(violations(Leaderboard)) == []
