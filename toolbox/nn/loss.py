"""The frame that losses on images share: input checks, precision, the region looked at, the mean over the batch."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

REGIONS = ('all', 'hole', 'known')


class ImageLoss(nn.Module):
    """Base of losses that compare a prediction with its target: a subclass writes `per_image`.

    The loss of a batch is the mean of its images' losses, and an image's loss is a mean over the pixels of the region.
    So each image counts the same however large its hole is, and one with nothing of the region counts as 0.

    Args:
        region: where the loss looks: 'all' the image, the 'hole' (mask > 0), or what is 'known' (the rest).
    """

    # Whether three channels are needed; asking for color of a gray prediction is then an error.
    needs_color = False
    # Whether `per_image` runs with autocast switched off. Its inputs are float32 or wider either way. Losses that hold
    # a network say False, so that the network runs at the speed of the training around it.
    full_precision = True

    def __init__(self, region: str = 'all') -> None:
        super().__init__()
        self.region = check_choice('region', region, REGIONS)

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """The loss as a scalar.

        Args:
            pred: (N, 1 or 3, H, W), nominally in [0, 1].
            target: like pred.
            mask: (N, 1, H, W), 1 = hole.

        Raises:
            ValueError: shapes that do not belong together, or one channel where color is needed.
        """
        pred, target, mask = self.prepared(pred, target, mask)
        with self._precision(pred):
            return self.per_image(pred, target, self.weight(mask)).mean()

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """The losses (N,) of the images, where weight (N, 1, H, W) is 1 in the region and 0 elsewhere."""
        raise NotImplementedError

    def prepared(self, pred: Tensor, target: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The arguments of `forward`, checked, in float32 at least, the mask exactly 0 and 1."""
        name = type(self).__name__
        if pred.ndim != 4 or pred.shape != target.shape:
            raise ValueError(
                f'{name}: expected prediction and target of one shape (N, C, H, W), '
                f'got {tuple(pred.shape)} and {tuple(target.shape)}'
            )
        expected = (len(pred), 1, *pred.shape[2:])
        if mask.shape != expected:
            raise ValueError(f'{name}: expected a mask of shape {expected}, got {tuple(mask.shape)}')
        if self.needs_color and pred.shape[1] != 3:
            raise ValueError(f"{name} needs color (3 channels), got {pred.shape[1]}: put it on='rgb'")
        return at_least_float32(pred), at_least_float32(target), (mask > 0).to(at_least_float32(pred).dtype)

    def weight(self, mask: Tensor) -> Tensor:
        """1 in the region and 0 elsewhere, (N, 1, H, W) like the mask."""
        if self.region == 'all':
            return torch.ones_like(mask)
        return mask if self.region == 'hole' else 1 - mask

    def extra_repr(self) -> str:
        return f'region={self.region!r}'

    def _precision(self, pred: Tensor) -> AbstractContextManager:
        return torch.autocast(pred.device.type, enabled=False) if self.full_precision else nullcontext()


def check_choice(option: str, value: str | None, choices: tuple[str | None, ...]) -> str | None:
    """`value`, or a ValueError that lists the choices."""
    if value not in choices:
        raise ValueError(f'{option}: expected one of {", ".join(map(repr, choices))}, got {value!r}')
    return value


def check_positive(option: str, value: float) -> float:
    """`value`, or a ValueError."""
    if not value > 0:
        raise ValueError(f'{option}: expected a number above 0, got {value!r}')
    return value


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """The mean (N,) of values (N, C, H, W) over channels and pixels, by weight (N, 1, H, W); 0 where that is all 0."""
    total = weight.sum((1, 2, 3)) * values.shape[1]
    return (values * weight).sum((1, 2, 3)) / torch.where(total > 0, total, 1)


def at_least_float32(values: Tensor) -> Tensor:
    """`values` as float32 if they are less; float64 stays."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
