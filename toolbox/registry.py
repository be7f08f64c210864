"""The names of `toolbox.plugin.registry`, for plugins."""

from toolbox.plugin.registry import (
    ATTENTION as ATTENTION,
    DECODERS as DECODERS,
    DETECTORS as DETECTORS,
    EMBEDDERS as EMBEDDERS,
    ENCODERS as ENCODERS,
    FILLS as FILLS,
    FINDERS as FINDERS,
    KINDS as KINDS,
    LAYOUTS as LAYOUTS,
    LOSSES as LOSSES,
    MASKS as MASKS,
    METRICS as METRICS,
    POSTPROCESS as POSTPROCESS,
    REDUCERS as REDUCERS,
    PluginRegistry as PluginRegistry,
    did_you_mean as did_you_mean,
    import_failures as import_failures,
    without_files as without_files,
)
