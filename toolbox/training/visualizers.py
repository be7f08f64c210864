"""Where else a run's figures go: TensorBoard, or what the config names of mmengine's visualizer back ends."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.registry import VISBACKENDS
from mmengine.visualization import Visualizer

from toolbox.system.words import did_you_mean

_BY_DEFAULT = ('TensorboardVisBackend',)


def build_visualizer(backends: Sequence[Mapping[str, Any]] | None, name: str, folder: Path) -> Visualizer:
    """mmengine's visualizer with back ends; in other processes than the main one, and for an empty list, without any.

    Args:
        backends: like ``[dict(type='WandbVisBackend', init_kwargs=dict(project='huefill'))]``; None: TensorBoard where
            it is installed.
        name: of the run.
        folder: the run folder; back ends that write files write below it.

    Raises:
        ValueError: an unknown back end, one that is not installed, or wrong options.
    """
    if backends is None:
        installed = importlib.util.find_spec('tensorboard') is not None
        backends = [dict(type=backend) for backend in _BY_DEFAULT if installed]
    if not backends or not is_main_process():
        return Visualizer(name=name)
    for index, backend in enumerate(backends):
        kind = backend.get('type') if isinstance(backend, Mapping) else None
        if kind not in VISBACKENDS.module_dict:
            hint = did_you_mean(str(kind), VISBACKENDS.module_dict)
            raise ValueError(f"visualizers.{index}: expected dict(type='WandbVisBackend'), got {backend!r}{hint}")
    try:
        visualizer = Visualizer(name=name, vis_backends=[dict(backend) for backend in backends], save_dir=str(folder))
        for backend in visualizer._vis_backends.values():
            backend.experiment  # noqa: B018 (opens it: what is missing is found before training)
    except (ImportError, TypeError) as error:
        raise ValueError(f'visualizers: {error}') from error
    return visualizer
