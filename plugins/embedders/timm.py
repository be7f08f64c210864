"""Any backbone of timm."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from toolbox.nn.device import default_device
from toolbox.nn.embedding import embed_images, weights_digest
from toolbox.nn.timm_features import check_timm_name, hub_weights
from toolbox.nn.weights import load_verified, read_weights
from toolbox.registry import EMBEDDERS

_WITHOUT = 'embedder.type=ColorTexture   describe images without weights'


@EMBEDDERS.register_module()
class Timm:
    """The pooled features of a backbone of timm, before its classifier.

    Images are prepared as timm's weights want them, run in batches (in half precision on CUDA), and their vectors have
    length 1.

    Source: Wightman, PyTorch Image Models, 2019.

    Args:
        name: `timm.list_models()` shows what there is; a tag (`convnext_tiny.fb_in22k`) chooses among trainings.
        weights: 'imagenet' for the weights that timm's hub has for `name`, the path of a file, or None for random ones,
            which still tell textures apart.
        sha256: the digest that a file must have.
        batch_size: images at once.

    Raises:
        ValueError: unknown name, or weights that do not fit.
        FileNotFoundError, ConnectionError: the weights cannot be had.
    """

    file_options = ('weights',)

    def __init__(
        self,
        name: str = 'convnext_tiny.fb_in22k',
        weights: str | None = 'imagenet',
        sha256: str | None = None,
        batch_size: int = 64,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f'Timm(batch_size={batch_size}): expected 1 or more')
        from timm.data import create_transform, resolve_model_data_config

        check_timm_name(name)
        self.batch_size = batch_size
        self._device = default_device()
        self._network = _load(name, weights, sha256).eval().to(self._device)
        self._transform = create_transform(**resolve_model_data_config(self._network), is_training=False)
        digest, preparation = weights_digest(self._network), ' '.join(str(self._transform).split())
        self.identity = f'Timm 1, {name}, weights {digest}, {preparation}, {self._device.type}'

    @staticmethod
    def example_options(folder: Path) -> dict[str, object]:
        return {'name': 'test_resnet', 'weights': None, 'batch_size': 4}

    def prepare(self, rgb: np.ndarray) -> np.ndarray:
        """Resized, cropped and normalized: uint8 (H, W, 3) -> float32 (3, side, side)."""
        return self._transform(Image.fromarray(rgb)).numpy()

    def __call__(self, prepared: np.ndarray) -> np.ndarray:
        """(N, 3, side, side) -> (N, D) float32, unit vectors."""
        return embed_images(self._network, prepared, self.batch_size, self._device)


def _load(name: str, weights: str | None, sha256: str | None) -> nn.Module:
    import timm

    if weights is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # the same random weights each time, so that vectors kept are found again
            return timm.create_model(name, num_classes=0)
    path = hub_weights(name, _WITHOUT) if weights == 'imagenet' else weights

    def load(state: dict[str, Tensor]) -> nn.Module:
        return timm.create_model(name, pretrained=True, pretrained_cfg_overlay={'state_dict': state}, num_classes=0)

    return load_verified(load, read_weights(path, sha256), f'{path} for {name}')
