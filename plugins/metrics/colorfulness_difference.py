"""Difference of colorfulness."""

import torch
from torch import Tensor

from toolbox.nn.colorfulness import colorfulness
from toolbox.registry import METRICS
from toolbox.scoring.means import MeanMetric


@METRICS.register_module()
class ColorfulnessDifference(MeanMetric):
    """Absolute difference of prediction and truth in colorfulness, in the paper's units: gray is 0, vivid about 109.

    Source: Hasler and Suesstrunk, Measuring colorfulness in natural images, SPIE 2003, section 7. A low value says that
    an image is as colorful as the truth, not that its colors are right.
    """

    name = 'colorfulness_difference'
    higher_is_better = False

    def measure(self, prediction: Tensor, truth: Tensor, hole: Tensor) -> float:
        images = torch.stack([prediction, truth]).double()
        restored, true = colorfulness(images, torch.ones_like(images[:, :1]))
        return (restored - true).abs().item()
