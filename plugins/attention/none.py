"""No attention."""

from torch import Tensor, nn

from toolbox.registry import ATTENTION


@ATTENTION.register_module(name='none')
class NoAttention(nn.Module):
    """Features pass unchanged: the baseline of every attention. No parameters."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x
