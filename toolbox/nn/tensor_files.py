"""Reads files that `torch.save` wrote, made by somebody one does not know.

torch's safe loader runs nothing, but a file of a kilobyte may still ask for any amount of work: a tensor that repeats
one number 10^12 times, a list that holds itself, a list in a list ten times and so on, an entry that unpacks to a
thousand times its size. What comes out of here is about as large as its file, and a tree.
"""

import zipfile
from pathlib import Path
from typing import Any

import torch

MAX_VALUES = 500_000
MAX_DEPTH = 50
# Of all tensors together to the file: those that share their numbers, as tied layers do, are written once.
MAX_RATIO = 8
_SLACK_BYTES = 2**20
_PLAIN = (str, int, float, bool, bytes, complex, type(None), torch.dtype)


def load_tree(path: Path, archive_only: bool = False) -> Any:
    """Nested dicts, lists and tuples of plain values and tensors on the CPU.

    Args:
        path: the file; it exists.
        archive_only: refuse what older versions of torch wrote.

    Raises:
        pickle.UnpicklingError: it holds more than plain values.
        ValueError: it is larger inside than outside, or no tree.
        Exception: it is damaged, and torch's reader raises nearly everything.
    """
    size = path.stat().st_size
    if zipfile.is_zipfile(path):
        _check_archive(path, size)
    elif archive_only:
        raise ValueError('no archive of torch')
    content = torch.load(path, map_location='cpu', weights_only=True)
    _check_tree(content, MAX_RATIO * size + _SLACK_BYTES)
    return content


def _check_archive(path: Path, size: int) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ValueError('it is compressed, as torch writes no file')
    if sum(entry.file_size for entry in entries) > size:
        raise ValueError('its entries are larger than the file')


def _check_tree(content: Any, max_bytes: int) -> None:
    values, total, waiting = 0, 0, [(content, 0)]
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if values > MAX_VALUES or depth > MAX_DEPTH:
            raise ValueError(f'more than {MAX_VALUES:,} values, or nested deeper than {MAX_DEPTH}')
        if isinstance(value, torch.Tensor):
            total += _bytes(value)
            if total > max_bytes:
                raise ValueError('its tensors are larger than the file')
        elif isinstance(value, dict):
            waiting += ((item, depth + 1) for pair in value.items() for item in pair)
        elif isinstance(value, list | tuple | set):
            waiting += ((item, depth + 1) for item in value)
        elif not isinstance(value, _PLAIN):
            raise ValueError(f'it holds a {type(value).__name__}')


def _bytes(tensor: torch.Tensor) -> int:
    if tensor.layout != torch.strided or tensor.device.type != 'cpu' or tensor.is_quantized:
        raise ValueError(f'it holds a tensor of layout {tensor.layout} on {tensor.device}, expected a dense one')
    size = tensor.numel() * tensor.element_size()
    if size > tensor.untyped_storage().nbytes():
        raise ValueError('a tensor repeats its numbers, as no weights do')
    return size
