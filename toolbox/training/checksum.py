"""The digest by which checkpoints and model files tell damage."""

from collections.abc import Mapping
from typing import Any

import torch

from toolbox.system.digests import new_digest


def checksum(content: Any) -> str:
    """A digest of plain values and the bytes of tensors, in order; equal for what was saved and what is loaded."""
    digest = new_digest()
    _feed(digest, content)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        digest.update(f'{value.dtype} {tuple(value.shape)}'.encode())
        plain = value.detach().cpu().contiguous().reshape(-1)
        digest.update(plain.view(torch.uint8).numpy() if plain.numel() else b'')
    elif isinstance(value, Mapping):
        digest.update(f'dict {len(value)}'.encode())
        for key, item in value.items():
            digest.update(f'{key!r}:'.encode())
            _feed(digest, item)
    elif isinstance(value, list | tuple):
        digest.update(f'list {len(value)}'.encode())
        for item in value:
            _feed(digest, item)
    else:
        digest.update(f'{value!r},'.encode())
