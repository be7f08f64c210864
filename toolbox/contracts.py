"""The names of `toolbox.plugin.contracts`, for plugins."""

from toolbox.plugin.contracts import (
    Attention as Attention,
)
from toolbox.plugin.contracts import (
    Batch as Batch,
)
from toolbox.plugin.contracts import (
    Choice as Choice,
)
from toolbox.plugin.contracts import (
    Decoder as Decoder,
)
from toolbox.plugin.contracts import (
    Detector as Detector,
)
from toolbox.plugin.contracts import (
    Embedder as Embedder,
)
from toolbox.plugin.contracts import (
    Encoder as Encoder,
)
from toolbox.plugin.contracts import (
    Failure as Failure,
)
from toolbox.plugin.contracts import (
    Fill as Fill,
)
from toolbox.plugin.contracts import (
    Finder as Finder,
)
from toolbox.plugin.contracts import (
    Found as Found,
)
from toolbox.plugin.contracts import (
    Layout as Layout,
)
from toolbox.plugin.contracts import (
    Loss as Loss,
)
from toolbox.plugin.contracts import (
    MaskGenerator as MaskGenerator,
)
from toolbox.plugin.contracts import (
    Metric as Metric,
)
from toolbox.plugin.contracts import (
    Outliers as Outliers,
)
from toolbox.plugin.contracts import (
    Output as Output,
)
from toolbox.plugin.contracts import (
    Phase as Phase,
)
from toolbox.plugin.contracts import (
    PostProcess as PostProcess,
)
from toolbox.plugin.contracts import (
    Reducer as Reducer,
)
from toolbox.plugin.contracts import (
    Restored as Restored,
)
from toolbox.plugin.contracts import (
    require_room_for_a_hole as require_room_for_a_hole,
)
