"""Looks at files and embeds them with Ray Data: on every GPU or core of a machine, or of a cluster."""

import importlib
import logging
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from toolbox.cleaning.files import look_at
from toolbox.cleaning.scan import Batch, embed
from toolbox.data.manifest import Manifest
from toolbox.plugin.contracts import Embedder
from toolbox.plugin.discovery import discover_plugins, import_custom
from toolbox.plugin.registry import EMBEDDERS
from toolbox.system.ray_connection import connect_to_ray


def ray_batches(
    photos: Manifest, embedder: Embedder, config: Mapping[str, Any], known: frozenset[bytes], address: str
) -> Iterator[Batch]:
    """What `toolbox.cleaning.scan.local_batches` gives, in any order.

    Each worker builds the embedder for itself. The machines of a cluster have Huefill installed, and see the
    photographs under the same paths as this one.

    Args:
        photos: the files.
        embedder: as built here; the workers' must have the same identity.
        config: the cleaning config.
        known: SHA-256 of the files that need not be decoded.
        address: 'local' for this machine alone, or a cluster's, as `ray.init` takes it: 'auto', or 'HOST:PORT'.

    Raises:
        ValueError: Ray is not installed.
        ConnectionError: no cluster answers at the address.
    """
    ray = connect_to_ray(address)
    importlib.import_module('ray.data')
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger('ray.data').setLevel(logging.ERROR)
        has_gpus = ray.cluster_resources().get('GPU', 0) >= 1
        workers = int(ray.cluster_resources()['GPU']) if has_gpus else max(1, int(ray.cluster_resources()['CPU']) - 1)
        embedded = ray.data.range(len(photos), override_num_blocks=_num_blocks(len(photos), workers)).map_batches(
            _Worker,
            fn_constructor_args=(photos, known, config.to_dict(), embedder.identity),
            batch_size=embedder.batch_size,
            # The first worker and the reading of portions must fit on the smallest machine; more come as there is room.
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers),
            num_gpus=1 if has_gpus else 0,
        )
        for batch in embedded.iter_batches(batch_size=None):
            for content in batch['content']:
                yield pickle.loads(content)  # written by our own worker
    finally:
        ray.shutdown()


def _num_blocks(num_files: int, workers: int) -> int:
    """Portions that come back one by one: what a kill loses, and what a worker that is done early takes next."""
    return max(1, min(num_files, 4 * workers, num_files // 64 or 1))


class _Worker:
    """An actor with an embedder of its own."""

    def __init__(self, photos: Manifest, known: frozenset[bytes], config: dict[str, Any], identity: str) -> None:
        discover_plugins()
        import_custom(config['custom_imports'])
        self._photos, self._known = photos, known
        self._embedder = EMBEDDERS.build(config['embedder'])
        if self._embedder.identity != identity:
            raise ValueError(
                f'a Ray worker embeds differently than this machine: {self._embedder.identity!r}, not {identity!r}; '
                'start from a machine with the same devices and versions'
            )

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        looks = [
            look_at(int(index), self._photos[int(index)].path, self._embedder.prepare, self._known)
            for index in batch['id']
        ]
        vectors = embed(looks, self._embedder)
        content = pickle.dumps(([replace(look, prepared=None) for look in looks], vectors))
        return {'content': np.array([content], object)}
