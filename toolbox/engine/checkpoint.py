"""Checkpoint files: plain tensors, numbers, strings and lists, so that loading one can never run code."""

import os
import pickle
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import torch

FORMAT = 1


def save_checkpoint(content: dict[str, Any], path: Path) -> None:
    """Write a checkpoint in one move: a kill leaves the previous file or the new one, never half of one."""
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        with open(temporary, 'wb') as file:
            torch.save({'format': FORMAT, **content}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_checkpoint(path: Path, device: str = 'cpu') -> dict[str, Any]:
    """Read a checkpoint.

    Raises:
        FileNotFoundError, ValueError: it is not there, is damaged, is none of ours, or holds more than plain values.
    """
    if not path.is_file():
        raise FileNotFoundError(f'no checkpoint {path}; training writes best.pth and last.pth into its run folder')
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f'{path}: refused: it is damaged, or holds more than plain tensors and numbers, which could run code'
        ) from error
    except (RuntimeError, EOFError, BadZipFile, OSError) as error:
        raise ValueError(f'{path}: damaged or no checkpoint: {error}') from error
    if not isinstance(content, dict) or content.get('format') != FORMAT:
        raise ValueError(f'{path}: not a Huefill checkpoint of format {FORMAT}; train one with tools/train.py')
    return content
