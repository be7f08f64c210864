"""Whether a file or a folder that somebody names can be written, before the work whose result it is to hold."""

import os
from pathlib import Path

from toolbox.system.files import LONGEST_TEMPORARY

# Of a name and of a whole path, on the usual systems; the path's end counts, too.
_MOST_BYTES_OF_NAME, _MOST_BYTES_OF_PATH = 255, 4095
_MOST_BYTES_WITHIN = 128  # of the paths of what is written into a folder, where that is not known better


def check_output(option: str, path: str | None, is_folder: bool) -> None:
    """Raise what would keep a file or a folder from being written, before the work whose result it is to hold.

    Args:
        option: that named it, for the error.
        path: None: nothing is to be written.
        is_folder: whether it is a folder; it and those above it may still have to be made.
    """
    if path is None:
        return
    check_length(option, path, within=_MOST_BYTES_WITHIN if is_folder else 0)
    target = Path(path).absolute()
    if not is_folder and target.is_dir():
        raise ValueError(f'{option} {path} is a folder; give the name of a file')
    above = next(folder for folder in ((target, *target.parents) if is_folder else target.parents) if folder.exists())
    if not above.is_dir():
        raise ValueError(f'{option} {path}: {above} is a file; give another place')
    if not os.access(above, os.W_OK):
        raise ValueError(f'{option} {path}: nothing may be written into {above}; give another place')


def check_length(option: str, path: str | os.PathLike, within: int = 0) -> None:
    """Raise ValueError for a path that the system would refuse for its length.

    Args:
        option: that named it, for the error.
        path: a file or a folder.
        within: how many bytes the paths of files in the folder `path` have.
    """
    encoded = os.fsencode(os.path.abspath(path))
    longest = max(encoded.split(os.fsencode(os.sep)), key=len)
    if len(longest) > _MOST_BYTES_OF_NAME:
        name = os.fsdecode(longest)
        raise ValueError(
            f'{option}: a name of {len(longest)} bytes, and file systems take {_MOST_BYTES_OF_NAME}: '
            f'{name[:40]}...; choose a shorter one'
        )
    # A file's temporary name lies beside it, and may be longer.
    beside = len(encoded) - len(os.path.basename(encoded)) + LONGEST_TEMPORARY
    needed = max(len(encoded), beside, len(encoded) + 1 + max(within, LONGEST_TEMPORARY) if within else 0)
    if needed > _MOST_BYTES_OF_PATH:
        raise ValueError(
            f'{option}: its paths would have {needed} bytes, and the system takes {_MOST_BYTES_OF_PATH}: '
            f'{os.fspath(path)[:40]}...; choose a place nearer to the root'
        )
