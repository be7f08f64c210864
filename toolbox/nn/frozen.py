"""A network that measures and never learns."""

from collections.abc import Callable

from torch import Tensor, nn


class FrozenNetwork(nn.Module):
    """Holds a network that follows its owner from device to device and takes no other part in it.

    It stays in eval mode, its parameters get no gradients and are not among the owner's, and neither are its tensors in
    the owner's state: a checkpoint would carry what can be had again.

    Args:
        network: any module; frozen in place.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        # In a tuple, where torch does not look for submodules.
        self._held = (network.eval().requires_grad_(False),)

    @property
    def network(self) -> nn.Module:
        return self._held[0]

    def forward(self, *inputs: Tensor) -> Tensor | list[Tensor]:
        return self.network(*inputs)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> 'FrozenNetwork':
        # What `to`, `cuda`, `float` and the like go through.
        self.network._apply(fn, recurse)
        return super()._apply(fn, recurse)
