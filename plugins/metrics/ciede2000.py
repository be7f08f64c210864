"""Color difference as people see it."""

from torch import Tensor

from toolbox.registry import METRICS
from toolbox.scoring.means import MeanMetric


@METRICS.register_module()
class CIEDE2000(MeanMetric):
    """Mean CIEDE2000 color difference over the pixels: about 1 is just noticeable.

    Source: Sharma, Wu and Dalal, The CIEDE2000 color-difference formula, 2005; computed by scikit-image from sRGB under
    D65.
    """

    name = 'ciede2000'
    higher_is_better = False

    def measure(self, prediction: Tensor, truth: Tensor, hole: Tensor) -> float:
        from skimage.color import deltaE_ciede2000, rgb2lab

        restored, true = (rgb2lab(image.permute(1, 2, 0).numpy()) for image in (prediction, truth))
        return deltaE_ciede2000(true, restored).mean()
