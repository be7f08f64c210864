"""The leaderboard's score as a metric."""

from collections.abc import Sequence

from torch import Tensor

from toolbox.registry import METRICS
from toolbox.scoring.score import score_images, summarize


@METRICS.register_module()
class Leaderboard:
    """The competition's score: 0.2 ssim + 0.4 masked_ssim + 0.4 hue_similarity.

    A thin adapter; the definition lives in `toolbox.scoring`, where everything else that scores finds it too.
    """

    name = 'score'
    higher_is_better = True

    def rows(self, prediction: Tensor, truth: Tensor, hole: Tensor) -> list[dict]:
        """Score each image: uint8 (N, 3, H, W), (N, 3, H, W), (N, 1, H, W) -> N rows."""
        return score_images(prediction, truth, hole)

    def reduce(self, rows: Sequence[dict]) -> dict[str, float]:
        """Means over images, whatever the order of the rows."""
        return summarize(rows)
