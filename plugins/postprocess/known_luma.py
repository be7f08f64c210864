"""The gray that is known, put back."""

from torch import Tensor

from toolbox.color import replace_luma
from toolbox.registry import POSTPROCESS


@POSTPROCESS.register_module()
class KnownLuma:
    """Gives the output the known luma outside the hole; hue stays, saturation as far as the gamut has room.

    Rounded to bytes, the luma is within one gray level of the input. The hole keeps its pixels as they are.
    """

    pixelwise = True

    def __call__(self, rgb: Tensor, damaged: Tensor, mask: Tensor) -> Tensor:
        return replace_luma(rgb, damaged, where=mask <= 0.5)
