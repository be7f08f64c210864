"""Learned perceptual similarity."""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from toolbox.nn.weights import read_weights
from toolbox.registry import METRICS
from toolbox.scoring.means import MeanMetric

# What torchvision's own loader would download, and where it would keep it.
_TRUNK_FILE = 'alexnet-owt-7be5be79.pth'
_TRUNK_URL = f'https://download.pytorch.org/models/{_TRUNK_FILE}'
_SMALLEST_SIDE = 64  # AlexNet's features vanish below


@METRICS.register_module()
class LPIPS(MeanMetric):
    """LPIPS, version 0.1 on AlexNet, of the whole image: 0 for equal images, larger the less alike they look.

    Source: Zhang et al., The unreasonable effectiveness of deep features as a perceptual metric, 2018; computed by the
    authors' package `lpips`, which carries the calibrated weights. AlexNet's own weights must be at hand: nothing is
    downloaded. Images with a side under 64 px are enlarged to it.

    Args:
        trunk: file of torchvision's AlexNet weights; None for torch's own cache.

    Raises:
        ValueError: the package is not installed, or the weights do not fit.
        FileNotFoundError: the weights are not at hand; says where to get them.
    """

    file_options = ('trunk',)
    name = 'lpips'
    higher_is_better = False

    def __init__(self, trunk: str | None = None) -> None:
        self._network = _network(_trunk_file(trunk))

    @staticmethod
    def example_options(folder: Path) -> dict[str, str]:
        from torchvision.models import alexnet

        features = alexnet(weights=None).features.state_dict(prefix='features.')
        torch.save(features, folder / _TRUNK_FILE)
        return dict(trunk=str(folder / _TRUNK_FILE))

    @torch.no_grad()
    def measure(self, prediction: Tensor, truth: Tensor, hole: Tensor) -> float:
        images = torch.stack([prediction, truth]).float() / 255
        height, width = images.shape[2:]
        if min(height, width) < _SMALLEST_SIDE:
            size = (max(height, _SMALLEST_SIDE), max(width, _SMALLEST_SIDE))
            images = nn.functional.interpolate(images, size, mode='bilinear', align_corners=False)
        return self._network(images[:1], images[1:], normalize=True).item()


def _trunk_file(trunk: str | None) -> Path:
    path = Path(trunk) if trunk is not None else Path(torch.hub.get_dir(), 'checkpoints', _TRUNK_FILE)
    if not path.is_file():
        raise FileNotFoundError(
            f'LPIPS: no AlexNet weights at {path}; download {_TRUNK_URL} and put it there, or give its path as trunk='
        )
    return path


def _network(trunk_file: Path) -> nn.Module:
    try:
        import lpips
    except ImportError as error:
        raise ValueError("LPIPS needs the package lpips: pip install 'huefill[lpips]'") from error
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # it calls torchvision by names that torchvision deprecates
        network = lpips.LPIPS(net='alex', pnet_rand=True, verbose=False)
    weights = read_weights(trunk_file)
    # The package cuts AlexNet's `features` into slices, keeping their numbers: slice2.3.weight is features.3.weight.
    renamed = {key: 'features.' + key.partition('.')[2] for key in network.net.state_dict()}
    missing = [name for name in renamed.values() if name not in weights]
    if missing:
        raise ValueError(f'LPIPS: {trunk_file} is not AlexNet: it has no {missing[0]}; expected {_TRUNK_FILE}')
    network.net.load_state_dict({key: weights[name] for key, name in renamed.items()})
    return network.eval().requires_grad_(False)
