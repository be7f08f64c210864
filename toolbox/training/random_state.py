"""The process's random states as plain values. Samples do not draw from them (`toolbox.data.rng`); dropout does."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """The states of Python, numpy, torch and CUDA, for a checkpoint."""
    version, numbers, gauss = random.getstate()
    legacy = np.random.get_state(legacy=True)  # noqa: NPY002
    assert isinstance(legacy, tuple)
    name, keys, position, has_gauss, cached = legacy
    return dict(
        python=[version, torch.tensor(numbers), gauss],
        numpy=[name, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, cached],
        torch=torch.get_rng_state(),
        cuda=torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    )


def set_random_state(state: Mapping[str, Any]) -> None:
    """Take up where `random_state` was."""
    version, numbers, gauss = state['python']
    random.setstate((version, tuple(numbers.tolist()), gauss))
    name, keys, *rest = state['numpy']
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(state['torch'])
    if torch.cuda.is_available() and len(state['cuda']) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state['cuda'])


def seed_all(seed: int) -> None:
    """Begin the states of Python, numpy, torch and CUDA anew."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the state that libraries draw from)
    torch.manual_seed(seed)
