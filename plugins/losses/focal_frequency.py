"""Focal frequency loss."""

import torch
from torch import Tensor

from toolbox.nn.loss import ImageLoss
from toolbox.registry import LOSSES


@LOSSES.register_module()
class FocalFrequency(ImageLoss):
    """Squared error of the spectrum, in which frequencies weigh more the worse they are met.

    Source: Jiang et al., Focal Frequency Loss for Image Reconstruction and Synthesis, ICCV 2021, equations 8 and 9:
    each frequency's squared distance is weighted by its distance to the power alpha, over the largest of its image and
    channel, as a constant. With alpha = 0 it is the mean squared error (Parseval). Of a region the error's spectrum is
    taken with zeros outside, and the mean is per pixel of the region.

    Args:
        alpha: how much the hard frequencies are favored; at least 0.
        region: 'all', 'hole' or 'known'.
    """

    def __init__(self, alpha: float = 1.0, region: str = 'all') -> None:
        super().__init__(region)
        if not alpha >= 0:
            raise ValueError(f'alpha: expected a number of at least 0, got {alpha!r}')
        self.alpha = alpha

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        spectrum = torch.view_as_real(torch.fft.fft2((pred - target) * weight, norm='ortho'))
        power = spectrum.square().sum(-1)
        focus = power.detach().sqrt() ** self.alpha
        largest = focus.amax((2, 3), keepdim=True)
        focus = focus / torch.where(largest > 0, largest, 1)
        region = weight.mean((1, 2, 3))
        return (focus * power).mean((1, 2, 3)) / torch.where(region > 0, region, 1)
