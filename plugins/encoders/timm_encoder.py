"""Backbones of timm."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from toolbox.nn.timm_features import build_timm_features
from toolbox.registry import ENCODERS


@ENCODERS.register_module()
class TimmEncoder(nn.Module):
    """Any backbone of timm that gives features at several strides: `features_only`, convolutional or hierarchical.

    Channels, strides and layout of the features are read from timm's own description (`feature_info`, `output_fmt`),
    and tried on a small image: a backbone whose attention is made for one image size is refused.

    Args:
        in_channels: of the input; pretrained first layers are adapted to it.
        name: `timm.list_models()` shows what there is; a tag (`efficientnet_b4.ra2_in1k`) chooses among trainings.
        weights: 'imagenet' for the weights that timm's hub has for `name`, None for none, or the path of a file.
        sha256: the digest that the file must have.
        out_indices: which of timm's features to give, shallow to deep; None for timm's choice, usually all.
        output_stride: 8 or 16 to dilate the deep stages instead of reducing (as DeepLab does), where the backbone can.
        drop_path_rate: stochastic depth in training, where the backbone has it; None for timm's default.

    Raises:
        ValueError: unknown name, a backbone without a hierarchy of features, an option that it does not have, or
            weights that do not fit.
        FileNotFoundError, ConnectionError: the weights cannot be had.
    """

    def __init__(
        self,
        in_channels: int,
        name: str = 'efficientnet_b4',
        weights: str | None = 'imagenet',
        sha256: str | None = None,
        out_indices: Sequence[int] | None = None,
        output_stride: int | None = None,
        drop_path_rate: float | None = None,
    ) -> None:
        super().__init__()
        self.backbone = build_timm_features(
            name,
            in_channels,
            weights,
            sha256,
            out_indices=None if out_indices is None else tuple(out_indices),
            output_stride=output_stride,
            drop_path_rate=drop_path_rate,
        )
        self.channels = tuple(self.backbone.feature_info.channels())
        self.strides = tuple(self.backbone.feature_info.reduction())
        if len(set(self.strides)) == 1 and len(self.strides) > 1:
            raise ValueError(
                f'{name} has no hierarchy of features, all are at stride {self.strides[0]}; '
                'choose a backbone with several resolutions, like efficientnet_b4, convnext_tiny or swin_tiny'
            )
        # MaxViT cuts the features of every stage into windows, and asserts that they divide it.
        windows = [max(module.partition_size) for module in self.modules() if hasattr(module, 'partition_size')]
        self.size_multiple = max(self.strides) * max(windows, default=1)
        # timm says so where features are (N, H, W, C).
        self._features_are_nhwc = getattr(self.backbone, 'output_fmt', 'NCHW') == 'NHWC'
        self._try(name, in_channels)

    @staticmethod
    def example_options(folder: Path) -> dict[str, object]:
        return {'name': 'test_efficientnet', 'weights': None}

    def forward(self, x: Tensor) -> list[Tensor]:
        features = self.backbone(x)
        return [feature.permute(0, 3, 1, 2) for feature in features] if self._features_are_nhwc else features

    @torch.no_grad()
    def _try(self, name: str, in_channels: int) -> None:
        """Raise ValueError unless an image of another shape than the one in the training gives what was described."""
        height, width = self.size_multiple, 2 * self.size_multiple
        device = next(self.parameters()).device
        training = self.training
        try:
            shapes = [
                tuple(f.shape[1:]) for f in self.eval()(torch.zeros(1, in_channels, height, width, device=device))
            ]
        except (RuntimeError, AssertionError) as error:
            raise ValueError(
                f'{name} cannot take images of any size ({height}x{width} failed: {error}); choose another backbone'
            ) from error
        finally:
            self.train(training)
        expected = [(c, height // s, width // s) for c, s in zip(self.channels, self.strides, strict=True)]
        if shapes != expected:
            raise ValueError(
                f'{name} gives features {shapes} for {height}x{width}, and describes {expected}; choose another'
            )
