"""Checkpoint files: plain tensors, numbers, strings, lists and dicts, so that loading one can never run code."""

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from toolbox.nn.tensor_files import load_tree
from toolbox.system.files import in_one_move
from toolbox.system.paths import MODEL_FILE, command
from toolbox.training.checksum import checksum
from toolbox.training.model_file import model_file_bytes, read_model_file

FORMAT = 2
_READ = (1, 2)  # the first one held its config as text


def save_checkpoint(content: Mapping[str, Any], path: Path) -> None:
    """Write a checkpoint in one move: a kill leaves the previous file or the new one, never half of one.

    Raises:
        OSError: the file system did not take it; nothing under `path` has changed.
        ValueError: what was written cannot be read back.
    """
    with in_one_move(path) as file:
        write_verified(content, file)


def save_model_file(content: Mapping[str, Any], path: Path) -> None:
    """Write what restoring needs of a checkpoint as a model file (`toolbox.training.model_file`), in one move.

    Raises:
        OSError: the file system did not take it; nothing under `path` has changed.
    """
    if path.suffix.lower() != MODEL_FILE:
        raise ValueError(f'{path}: a model file is called *{MODEL_FILE}')
    with in_one_move(path) as file:
        file.write(model_file_bytes(content))
        file.flush()
        read_model_file(Path(file.name))


def write_verified(content: Mapping[str, Any], file: BinaryIO) -> None:
    """Write a checkpoint into a new file, force it to the disk, and read it back.

    Raises:
        OSError: the file system did not take it.
        ValueError: what was written cannot be read back.
    """
    remembering = _RemembersItsError(file)
    try:
        checked = {'format': FORMAT, 'checksum': checksum(content), **content}
        torch.save(checked, remembering)  # type: ignore[arg-type]  # by torch's documentation write and flush suffice
    except Exception:
        if remembering.error is None:
            raise
    if remembering.error is not None:
        raise remembering.error
    file.flush()
    os.fsync(file.fileno())
    read_checkpoint(Path(file.name))


class _RemembersItsError:
    """A file for torch's archive writer, which reports a failed write as a RuntimeError that does not say why.

    Attributes:
        error: of the first write that failed; None: all went well.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write to the file, unless that has failed before."""
        if self.error is None:
            try:
                return self._file.write(data)
            except OSError as error:
                self.error = error
        raise self.error

    def flush(self) -> None:
        """torch flushes at its end; `write_verified` forces to the disk, once what was written is known to be whole."""


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint, its tensors on the CPU.

    Raises:
        FileNotFoundError, ValueError: it is not there, is damaged, is none of ours, or holds more than plain values.
    """
    if not path.is_file():
        raise FileNotFoundError(f'no checkpoint {path}; training writes best.pth and last.pth into its run folder')
    if path.suffix.lower() == MODEL_FILE:
        return read_model_file(path)
    try:
        content = load_tree(path, archive_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f'{path}: refused: it is damaged, or holds more than plain tensors and numbers, which could run code'
        ) from error
    except ValueError as error:
        raise ValueError(f'{path}: refused: damaged or no checkpoint: {error}') from error
    except Exception as error:  # broken bytes make the reader raise nearly everything
        raise ValueError(f'{path}: damaged or no checkpoint: {type(error).__name__}: {error}') from error
    if not isinstance(content, dict) or content.get('format') not in _READ:
        raise ValueError(
            f'{path}: not a Huefill checkpoint of format {" or ".join(map(str, _READ))}; train one with '
            f'{command("train")}'
        )
    expected = content.pop('checksum', None)
    del content['format']
    if expected != checksum(content):
        raise ValueError(f'{path}: damaged: its content does not have the checksum that was written with it')
    return content


def size_in_bytes(content: Any) -> int:
    """About how large a file a tree of tensors makes."""
    if isinstance(content, torch.Tensor):
        return content.numel() * content.element_size()
    if isinstance(content, Mapping):
        return sum(size_in_bytes(value) for value in content.values())
    if isinstance(content, list | tuple):
        return sum(size_in_bytes(value) for value in content)
    return len(content) if isinstance(content, str) else 8
