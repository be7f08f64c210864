"""Efficient channel attention."""

from torch import Tensor, nn

from toolbox.registry import ATTENTION


@ATTENTION.register_module()
class ECA(nn.Module):
    """Efficient channel attention: channels weighted by a convolution along the averaged channels, no bottleneck.

    Source: Wang et al., ECA-Net, CVPR 2020, section 3.3; the block is timm's `EcaModule`. Its only parameters are the
    kernel's, as many as the odd number near abs((log2(C) + beta) / gamma), at least 3.

    Args:
        channels: C.
        gamma: the larger, the slower the kernel grows with the channels (equation 12 of the paper).
        beta: added before the division by gamma; b in the paper.
    """

    def __init__(self, channels: int, gamma: float = 2, beta: float = 1) -> None:
        super().__init__()
        from timm.layers import EcaModule

        if not gamma > 0:
            raise ValueError(f'gamma: expected a number above 0, got {gamma!r}')
        self.block = EcaModule(channels, gamma=gamma, beta=beta)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return self.block(x)
