"""Distance in the features of a classifier."""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from toolbox.nn.frozen import FrozenNetwork
from toolbox.nn.loss import ImageLoss, at_least_float32, weighted_mean
from toolbox.nn.pad import pad_to_multiple
from toolbox.registry import ENCODERS, LOSSES

# A feature vector that ReLU has emptied has no direction, and its root no gradient.
_EPS = 1e-6


@LOSSES.register_module()
class Perceptual(ImageLoss):
    """Squared distance of the directions of a timm backbone's features, averaged over places and layers.

    Source: Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018, equation 1,
    with all weights 1. Features of unit length make backbones and layers comparable: each counts between 0 and 4. A
    place of a feature map belongs to the region by the share of it that its pixels cover.

    The backbone is frozen, and not in checkpoints. Without weights it is random, and the same in each run.

    Args:
        backbone: a timm model that gives features; the default's layers are relu1_2, 2_2, 3_3 and 4_3.
        weights: 'imagenet' for the weights that timm's hub has, None for none, or the path of a file.
        layers: which of the backbone's features, shallow to deep, from 0.
        region: 'all', 'hole' or 'known'.

    Raises:
        ValueError: a backbone or weights that cannot be; see the encoder `TimmEncoder`.
        FileNotFoundError, ConnectionError: the weights cannot be had.
    """

    file_options = ('weights',)
    full_precision = False

    def __init__(
        self,
        backbone: str = 'vgg16',
        weights: str | None = 'imagenet',
        layers: Sequence[int] = (0, 1, 2, 3),
        region: str = 'all',
    ) -> None:
        super().__init__(region)
        if not layers:
            raise ValueError('layers: expected at least one of the features, as (0, 1, 2, 3)')
        config = dict(type='TimmEncoder', name=backbone, weights=weights, out_indices=tuple(layers))
        with torch.random.fork_rng(devices=[]):
            # What is not in a checkpoint must come out the same when a run resumes.
            torch.default_generator.manual_seed(0)
            encoder = ENCODERS.build(config, in_channels=3)
        self.encoder = FrozenNetwork(encoder)
        self._size_multiple = encoder.size_multiple
        for name in ('mean', 'std'):
            value = torch.tensor(encoder.backbone.pretrained_cfg[name]).view(1, 3, 1, 1)
            self.register_buffer(f'_{name}', value, persistent=False)

    @staticmethod
    def example_options(folder: Path) -> dict[str, object]:
        return dict(backbone='test_resnet', weights=None, layers=(0, 1, 2))

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        weight = pad_to_multiple(weight, self._size_multiple)
        with torch.no_grad():
            target_features = self._features(target)
        distances = []
        for x, y in zip(self._features(pred), target_features, strict=True):
            distance = (_direction(x) - _direction(y)).square().sum(1, keepdim=True)
            distances.append(weighted_mean(distance, F.adaptive_avg_pool2d(weight, distance.shape[2:])))
        return torch.stack(distances).mean(0)

    def _features(self, image: Tensor) -> list[Tensor]:
        image = (image.expand(-1, 3, -1, -1) - self._mean) / self._std
        return self.encoder(pad_to_multiple(image, self._size_multiple))


def _direction(features: Tensor) -> Tensor:
    features = at_least_float32(features)
    return features / (features.square().sum(1, keepdim=True) + _EPS).sqrt()
