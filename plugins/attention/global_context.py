"""Global context."""

from torch import Tensor, nn

from toolbox.nn.attention import reduced
from toolbox.registry import ATTENTION


@ATTENTION.register_module()
class GlobalContext(nn.Module):
    """Global context: what one learned look at the whole image gathers is given to every pixel.

    Source: Cao et al., GCNet: Non-local Networks Meet Squeeze-Excitation Networks and Beyond, ICCV workshops 2019,
    section 3.3; the block is timm's `GlobalContext`. With fusion 'add' it starts as (almost) the identity.

    Args:
        channels: C.
        reduction: the perceptron narrows the channels by this factor.
        fusion: 'add' the context to each pixel as the paper does, or 'scale' the channels by it.
    """

    def __init__(self, channels: int, reduction: int = 16, fusion: str = 'add') -> None:
        super().__init__()
        from timm.layers import GlobalContext as Block

        if fusion not in ('add', 'scale'):
            raise ValueError(f"fusion: expected 'add' or 'scale', got {fusion!r}")
        is_added = fusion == 'add'
        self.block = Block(
            channels, fuse_add=is_added, fuse_scale=not is_added, rd_channels=reduced(channels, reduction)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return self.block(x)
