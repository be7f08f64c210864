"""The names of `toolbox.plugin.registry`, for plugins."""

from toolbox.plugin.registry import (
    ATTENTION as ATTENTION,
)
from toolbox.plugin.registry import (
    DECODERS as DECODERS,
)
from toolbox.plugin.registry import (
    DETECTORS as DETECTORS,
)
from toolbox.plugin.registry import (
    EMBEDDERS as EMBEDDERS,
)
from toolbox.plugin.registry import (
    ENCODERS as ENCODERS,
)
from toolbox.plugin.registry import (
    FILLS as FILLS,
)
from toolbox.plugin.registry import (
    FINDERS as FINDERS,
)
from toolbox.plugin.registry import (
    KINDS as KINDS,
)
from toolbox.plugin.registry import (
    LAYOUTS as LAYOUTS,
)
from toolbox.plugin.registry import (
    LOSSES as LOSSES,
)
from toolbox.plugin.registry import (
    MASKS as MASKS,
)
from toolbox.plugin.registry import (
    METRICS as METRICS,
)
from toolbox.plugin.registry import (
    POSTPROCESS as POSTPROCESS,
)
from toolbox.plugin.registry import (
    REDUCERS as REDUCERS,
)
from toolbox.plugin.registry import (
    PluginRegistry as PluginRegistry,
)
from toolbox.plugin.registry import (
    did_you_mean as did_you_mean,
)
from toolbox.plugin.registry import (
    import_failures as import_failures,
)
from toolbox.plugin.registry import (
    without_files as without_files,
)
