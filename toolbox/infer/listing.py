"""What is to be restored: the photographs of a file, a folder or a csv, and what their outputs are called.

Imports neither torch nor any heavy library, so that a wrong path is an error before one is loaded.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from toolbox.data.csv_files import NOT_UTF_8, is_undecodable, read_rows
from toolbox.data.walking import Tell, contents, walk_files
from toolbox.system.names import FileFinder, fitting

_COLUMN = 'input_image_path'


@dataclass(frozen=True)
class ListedPhoto:
    """A photograph to restore.

    Attributes:
        name: its path below the input's root, with forward slashes.
        path: its file.
        output: the path of its output below the output's root.
    """

    name: str
    path: Path
    output: str


def list_photos(
    source: str | Path | Sequence[str | Path],
    *,
    flat: bool = False,
    without: Sequence[Path] = (),
    tell: Tell = lambda name, reason: None,
) -> list[ListedPhoto]:
    """The photographs of an input, sorted by name; those of a csv in its order. None is opened.

    Args:
        source: an image file; a folder, searched to its depths, hidden files skipped; or a csv with the column
            `input_image_path`, paths relative to its folder, such as the competition's test.csv; or several image
            files, in the order given.
        flat: outputs lie side by side, as in a submission's zip; else they mirror the input's tree.
        without: folders of outputs and masks, which are left out where they lie in the input.
        tell: told what a folder holds that could not be listed; see `toolbox.data.walking.walk_files`.

    Raises:
        FileNotFoundError: nothing there, or no photograph in it.
        ValueError: a csv that cannot be understood, or two photographs whose outputs would have one name.
    """
    sources = [Path(source)] if isinstance(source, str | Path) else [Path(each) for each in source]
    if len(sources) > 1:
        return _list_files(sources, flat)
    (source,), files = sources, {}
    if source.is_dir():
        root, names = source, _names_in_folder(source, without, tell)
    elif source.suffix.lower() == '.csv' and source.is_file():
        root, files = source.parent, _names_in_csv(source)
        names = list(files)
    elif source.is_file():
        root, names = source.parent, [source.name]
    else:
        raise FileNotFoundError(f'no file or folder {source}: give an image, a folder of images, or a csv')
    outputs = _flat_names(names) if flat else output_names(names)
    return [ListedPhoto(name, root / files.get(name, name), out) for name, out in zip(names, outputs, strict=True)]


def _list_files(files: Sequence[Path], flat: bool) -> list[ListedPhoto]:
    first: dict[str, Path] = {}
    for file in files:
        if file.is_dir() or file.suffix.lower() == '.csv':
            raise ValueError(f'{file}: several inputs have to be image files; give a folder or a csv alone')
        if not file.is_file():
            raise FileNotFoundError(f'no file {file}')
        if file.name in first:
            raise ValueError(f'{first[file.name]} and {file} have one name, as their outputs would: rename one')
        first[file.name] = file
    outputs = _flat_names(list(first)) if flat else output_names(list(first))
    return [ListedPhoto(name, file, out) for (name, file), out in zip(first.items(), outputs, strict=True)]


def other_files(source: str | Path | Sequence[str | Path]) -> str:
    """The files of a folder that are no photographs by their suffix, in words: `3 x .txt`; '' if there are none."""
    return contents(Path(source)) if isinstance(source, str | Path) and Path(source).is_dir() else ''


def output_names(names: Sequence[str]) -> list[str]:
    """`trip/a.jpg` -> `trip/a.png`; where that would name two, they keep their suffix: `a.jpg.png`, `a.tif.png`.

    Names that differ in letter case alone count as one, as they do on some file systems. Names too long are shortened.
    """
    chosen = [str(PurePosixPath(name).with_suffix('')) for name in names]
    while True:
        counts = Counter(name.casefold() for name in chosen)
        doubled = [i for i, name in enumerate(chosen) if counts[name.casefold()] > 1 and name != names[i]]
        if not doubled:
            return [fitting(name, '.png') for name in chosen]
        for i in doubled:  # a name with its suffix can be another's without it: look again
            chosen[i] = names[i]


def _flat_names(names: Sequence[str]) -> list[str]:
    outputs = [fitting(PurePosixPath(name).stem, '.png') for name in names]
    first: dict[str, str] = {}
    for name, output in zip(names, outputs, strict=True):
        if output in first:
            raise ValueError(
                f'{first[output]} and {name} would both be {output} in the zip, which has no folders; '
                'rename one, or give a folder as --out'
            )
        first[output] = name
    return outputs


def _names_in_folder(root: Path, without: Sequence[Path], tell: Tell) -> list[str]:
    if (root / 'test.csv').is_file() and (root / 'train_gt').is_dir():
        raise ValueError(f"{root} is the competition's folder, training photographs and all; give {root / 'test.csv'}")
    left_out = tuple(prefix for folder in without if (prefix := _prefix_below(folder, root)) is not None)
    if '' in left_out:
        raise ValueError(f'{root} holds the photographs: choose another folder for outputs and masks')
    names = sorted(name for name in walk_files(root, tell=tell) if not name.startswith(left_out))
    if not names:
        others = other_files(root) or 'no files at all'
        raise FileNotFoundError(f'no photographs in {root}: found {others}')
    return names


def _prefix_below(folder: Path, root: Path) -> str | None:
    """How names below `folder` begin, as seen from `root`; None if it lies elsewhere."""
    folder, root = folder.resolve(), root.resolve()
    if not folder.is_relative_to(root):
        return None
    return '' if folder == root else f'{folder.relative_to(root).as_posix()}/'


def _names_in_csv(table: Path) -> dict[str, str]:
    """What a table lists, in its order, and the file of each below the table's folder: as it is spelled there."""
    finder = FileFinder(table.parent)
    files: dict[str, str] = {}
    for line, row in read_rows(table, (_COLUMN,)):
        name = _below(row[_COLUMN], f'{table}, line {line}')
        if name in files:
            raise ValueError(f'{table}: {name} is listed twice')
        file = finder.find(name)
        if file is None and is_undecodable(name):
            raise FileNotFoundError(f'{table}, line {line}: no file {name!r}; {NOT_UTF_8}')
        files[name] = file or name  # what is not there fails by itself, the others are restored
    if not files:
        raise FileNotFoundError(f'{table} lists no photographs')
    return files


def _below(value: str | None, where: str) -> str:
    """`./test_input/a.png` -> `test_input/a.png`, and nothing that leads out of the folder."""
    path = os.path.normpath(value or '').replace(os.sep, '/')
    if path == '.' or PurePosixPath(path).parts[0] in ('/', '..') or '\0' in path:
        raise ValueError(f'{where}: expected a path below the folder, like ./test_input/TEST_000.png, got {value!r}')
    return path
