"""The gray that is known, put back."""

from torch import Tensor

from toolbox.color import replace_luma
from toolbox.registry import POSTPROCESS


@POSTPROCESS.register_module()
class KnownLuma:
    """Gives the output the known luma outside the hole; hue stays, saturation as far as the gamut has room.

    Rounded to bytes, the luma is within one gray level of the input. The hole keeps its pixels as they are.

    Example:
        >>> colors, damaged = torch.full((1, 3, 1, 2), 0.2), torch.full((1, 1, 1, 2), 0.6)
        >>> hole = torch.tensor([[[[0.0, 1.0]]]])
        >>> KnownLuma()(colors, damaged, hole)[0, 0].mul(10).round().tolist()
        [[6.0, 2.0]]
    """

    pixelwise = True

    def __call__(self, rgb: Tensor, damaged: Tensor, mask: Tensor) -> Tensor:
        return replace_luma(rgb, damaged, where=mask <= 0.5)
