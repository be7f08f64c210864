"""The workers that run trials: processes of this machine, or a Ray cluster."""

from collections.abc import Mapping, Sequence
from typing import Any

from toolbox.experiment.workers.engine import Engine


def build_engine(workers: int, ray: str | None, resources: Mapping[str, Any], preload: Sequence[str]) -> Engine:
    """What runs trials.

    Args:
        workers: trials at a time on this machine.
        ray: 'local' or the address of a Ray cluster; None: processes of this machine.
        resources: of a trial on the cluster, as Ray calls them.
        preload: modules that processes of this machine have imported when they start.
    """
    if ray is None:
        from toolbox.experiment.workers.processes import LocalEngine

        return LocalEngine(workers, preload)
    from toolbox.experiment.workers.ray_cluster import RayEngine

    return RayEngine(ray, **resources)
