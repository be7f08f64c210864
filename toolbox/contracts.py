"""The names of `toolbox.plugin.contracts` and `toolbox.plugin.types`, for plugins."""

from toolbox.plugin.contracts import AdjustableDetector as AdjustableDetector
from toolbox.plugin.contracts import AdversarialLoss as AdversarialLoss
from toolbox.plugin.contracts import Attention as Attention
from toolbox.plugin.contracts import ChoosingDetector as ChoosingDetector
from toolbox.plugin.contracts import Decoder as Decoder
from toolbox.plugin.contracts import Detector as Detector
from toolbox.plugin.contracts import Embedder as Embedder
from toolbox.plugin.contracts import Encoder as Encoder
from toolbox.plugin.contracts import ExampleOptions as ExampleOptions
from toolbox.plugin.contracts import Fill as Fill
from toolbox.plugin.contracts import Finder as Finder
from toolbox.plugin.contracts import Layout as Layout
from toolbox.plugin.contracts import Loss as Loss
from toolbox.plugin.contracts import MaskGenerator as MaskGenerator
from toolbox.plugin.contracts import Metric as Metric
from toolbox.plugin.contracts import PhasedLayout as PhasedLayout
from toolbox.plugin.contracts import PixelwisePostProcess as PixelwisePostProcess
from toolbox.plugin.contracts import PostProcess as PostProcess
from toolbox.plugin.contracts import ReadableLayout as ReadableLayout
from toolbox.plugin.contracts import Reducer as Reducer
from toolbox.plugin.contracts import SizedLayout as SizedLayout
from toolbox.plugin.contracts import require_room_for_a_hole as require_room_for_a_hole
from toolbox.plugin.types import (
    Batch as Batch,
)
from toolbox.plugin.types import (
    Choice as Choice,
)
from toolbox.plugin.types import (
    Failure as Failure,
)
from toolbox.plugin.types import (
    Found as Found,
)
from toolbox.plugin.types import (
    Outliers as Outliers,
)
from toolbox.plugin.types import (
    Output as Output,
)
from toolbox.plugin.types import (
    Phase as Phase,
)
from toolbox.plugin.types import (
    Restored as Restored,
)
