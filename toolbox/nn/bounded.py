"""Building networks that somebody else described, in no more memory than they can need."""

import math
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_FACTORIES = ('empty', 'zeros', 'ones', 'full', 'rand', 'randn', 'empty_strided', 'new_empty', 'new_zeros', 'new_full')


class BoundedAllocation(TorchDispatchMode):
    """Within, tensors are made up to a number of bytes together, asked before each is made.

    What is computed from other tensors is not counted.

    Args:
        max_bytes: of all of them.

    Raises:
        ValueError: by the call that would exceed it.
    """

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self.max_bytes = max_bytes
        self._made = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if func.overloadpacket.__name__ in _FACTORIES:
            self._count(args, kwargs or {})
        return func(*args, **(kwargs or {}))

    def _count(self, args: tuple, kwargs: dict[str, Any]) -> None:
        size = next((value for value in args if isinstance(value, list | tuple)), ())
        itemsize = (kwargs.get('dtype') or torch.get_default_dtype()).itemsize
        self._made += math.prod(size) * itemsize
        if self._made > self.max_bytes:
            raise ValueError(f'it takes more than {self.max_bytes / 2**20:,.0f} MiB, and its weights much less')
