"""Self-attention between all pixels."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolbox.nn.attention import ChannelNorm
from toolbox.registry import ATTENTION


@ATTENTION.register_module()
class SelfAttention(nn.Module):
    """Multi-head self-attention: each pixel gathers from all others, so that a hole sees the whole photograph.

    Source: Vaswani et al., Attention Is All You Need, NeurIPS 2017, section 3.2, on pixels as in Zhang et al., SAGAN,
    ICML 2019, section 3, whose learned scale from 0 makes the block start as the identity. Norm comes before, and
    positions are left to the convolutions around it. Meant for the deepest feature: the work grows with the square of
    the pixels. It has 4 C^2 + 6 C + 1 parameters.

    Args:
        channels: C.
        heads: how many heads at most; the largest number that divides C is taken.
    """

    def __init__(self, channels: int, heads: int = 8) -> None:
        super().__init__()
        if heads < 1:
            raise ValueError(f'heads: expected at least 1, got {heads}')
        self.heads = max(count for count in range(1, min(heads, channels) + 1) if channels % count == 0)
        self.norm = ChannelNorm(channels)
        self.query_key_value = nn.Conv2d(channels, 3 * channels, 1)
        self.projection = nn.Conv2d(channels, channels, 1)
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        # (N, 3 C, H, W) -> three of (N, heads, H W, C / heads)
        tokens = self.query_key_value(self.norm(x)).flatten(2).unflatten(1, (3, self.heads, -1)).transpose(3, 4)
        gathered = F.scaled_dot_product_attention(*tokens.unbind(1))
        gathered = gathered.transpose(2, 3).flatten(1, 2).unflatten(2, x.shape[2:])
        return x + self.scale * self.projection(gathered)
