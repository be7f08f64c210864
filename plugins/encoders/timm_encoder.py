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
    and tried on a small image: a backbone whose attention is made for one image size is refused, and one with windows
    that must divide the features (MaxViT) gets images padded to multiples of the size that it was trained on.

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

    file_options = ('weights',)

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
                'choose a backbone with several resolutions, like efficientnet_b4, convnext_tiny or pvt_v2_b2'
            )
        # timm says so where features are (N, H, W, C).
        self._features_are_nhwc = getattr(self.backbone, 'output_fmt', 'NCHW') == 'NHWC'
        self.size_multiple = self._find_size_multiple(name, in_channels)

    @staticmethod
    def example_options(folder: Path) -> dict[str, object]:
        return {'name': 'test_efficientnet', 'weights': None}

    def forward(self, x: Tensor) -> list[Tensor]:
        features = self.backbone(x)
        return [feature.permute(0, 3, 1, 2) for feature in features] if self._features_are_nhwc else features

    def _find_size_multiple(self, name: str, in_channels: int) -> int:
        """The deepest stride; where windows must divide the features (MaxViT), the side of the backbone's own training.

        Raises:
            ValueError: neither works, for images of another shape than square.
        """
        stride = max(self.strides)
        own_side = self.backbone.pretrained_cfg['input_size'][-1]
        problems = []
        for multiple in (stride, own_side):
            if multiple % stride == 0:
                problem = self._problem_at(multiple, 2 * multiple, in_channels)
                if problem is None:
                    return multiple
                problems.append(f'{multiple}x{2 * multiple}: {problem}')
        raise ValueError(f'{name} does not take images of any size, choose another backbone ({"; ".join(problems)})')

    @torch.no_grad()
    def _problem_at(self, height: int, width: int, in_channels: int) -> str | None:
        """Whether an image of this size gives the features that timm describes, tried without training anything."""
        training = self.training
        parameter = next(self.parameters())
        try:
            features = self.eval()(parameter.new_zeros(1, in_channels, height, width))
        except (RuntimeError, AssertionError) as error:
            return str(error)
        finally:
            self.train(training)
        shapes = [tuple(feature.shape[1:]) for feature in features]
        expected = [(c, height // s, width // s) for c, s in zip(self.channels, self.strides, strict=True)]
        return None if shapes == expected else f'features {shapes} where {expected} are described'
