"""Ways to double a feature's resolution that learn."""

from torch import nn


def upsample_layer(in_channels: int, out_channels: int, method: str) -> nn.Sequential:
    """(N, in_channels, H, W) -> (N, out_channels, 2 H, 2 W).

    Args:
        in_channels, out_channels: of the feature, before and after.
        method: 'resize' enlarges bilinearly and convolves (Odena et al., Deconvolution and Checkerboard Artifacts,
            2016); 'pixel_shuffle' convolves to four times the channels and spreads them over the pixels (Shi et al.,
            Real-Time Single Image Super-Resolution, 2016, section 3.2), starting as a nearest-neighbor enlargement so
            that there is no checkerboard at the start (Aitken et al., Checkerboard artifact free sub-pixel
            convolution, 2017, section 3).
    """
    if method == 'resize':
        enlarge = nn.Upsample(scale_factor=2, mode='bilinear', align_corners=False)
        return nn.Sequential(enlarge, nn.Conv2d(in_channels, out_channels, 3, padding=1))
    if method == 'pixel_shuffle':
        conv = nn.Conv2d(in_channels, 4 * out_channels, 3, padding=1)
        # The four pixels that come of one start equal: each filter four times over.
        for parameter in (conv.weight, conv.bias):
            parameter.data = parameter.data[::4].repeat_interleave(4, dim=0)
        return nn.Sequential(conv, nn.PixelShuffle(2))
    raise ValueError(f"upsample={method!r}: expected 'resize' or 'pixel_shuffle'")
