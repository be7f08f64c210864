"""Where photographs come from: the competition's folder, any folder of photographs, or installed packages.

Imports neither torch nor any heavy library: a wrong path is an error before one is loaded.
"""

import importlib.util
import itertools
import posixpath
from pathlib import Path

import numpy as np

from toolbox.data.csv_files import NOT_UTF_8, is_undecodable, read_rows
from toolbox.data.manifest import Manifest
from toolbox.data.walking import contents, walk_files
from toolbox.images.io import IMAGE_SUFFIXES, UnreadableImage, read_rgb
from toolbox.system.names import FileFinder

# Color photographs inside the wheels of packages that Huefill needs anyway: file, folder. One of each scene, so that no
# scene is on both sides of a split; of the stereo pair of scikit-image, the left one. Space, tissue under a microscope
# and the inside of an eye are among them: what validates should not all look alike.
_SAMPLE_PHOTOS = (
    ('astronaut.png', 'skimage/data'),
    ('chelsea.png', 'skimage/data'),
    ('coffee.png', 'skimage/data'),
    ('hubble_deep_field.jpg', 'skimage/data'),
    ('ihc.png', 'skimage/data'),
    ('motorcycle_left.png', 'skimage/data'),
    ('retina.jpg', 'skimage/data'),
    ('rocket.jpg', 'skimage/data'),
    ('china.jpg', 'sklearn/datasets/images'),
    ('flower.jpg', 'sklearn/datasets/images'),
    ('grace_hopper.jpg', 'matplotlib/mpl-data/sample_data'),
)
_TRUTH, _DAMAGED, _CSV = 'train_gt', 'train_input', 'train.csv'
_FILES_TRIED = 20  # of a folder none of whose first files can be read, nothing is to be expected


def open_source(root: str | Path | None, *, pairs: bool = False) -> Manifest:
    """List the photographs below a folder, sorted by name, without opening them.

    Args:
        root: the competition's folder (`train_gt/`, and as far as they are there `train_input/` and `train.csv`); or
            any folder of photographs, searched to its depths, hidden files and folders skipped; or None for the
            sample photographs that installed packages carry. Where there is a `train.csv`, what it lists is used.
        pairs: demand a real damaged input for each photograph. Else they are listed as far as they are there.

    Raises:
        FileNotFoundError: no such folder, no photograph in it, or files missing that `train.csv` names.
        ValueError: not a folder, or a `train.csv` that cannot be understood.
    """
    if root is None:
        manifest = _sample_photos()
    else:
        root = _existing_folder(root)
        manifest = _competition(root) if _is_competition(root) else _folder(root)
    if pairs and manifest.num_damaged < len(manifest):
        where = 'the sample photographs' if root is None else f'{root}'
        raise FileNotFoundError(
            f'{where}: {len(manifest) - manifest.num_damaged} of {len(manifest)} photographs have no real damaged '
            f'input; give a folder with {_TRUTH}/ and {_DAMAGED}/, or draw the damage instead'
        )
    return manifest


def check_data_root(root: str | Path | None) -> None:
    """Raise what is wrong with a data root, as `open_source` does, and if none of its first files can be read.

    Quick even for a million files: neither sorts nor lists them all.

    Raises:
        FileNotFoundError, ValueError: with what to do about it.
    """
    if root is None:
        _sample_photos()
        return
    root = _existing_folder(root)
    if _is_competition(root):
        paths = (photo.path for photo in _competition(root))
    else:
        paths = (root / name for name in walk_files(root))
    reasons = []
    for path in itertools.islice(paths, _FILES_TRIED):
        try:
            read_rgb(path)
            return
        except UnreadableImage as error:
            reasons.append(f'  {error}')
    if not reasons:
        raise _nothing_inside(root)
    raise ValueError(f'{root}: none of its first {len(reasons)} images can be read:\n' + '\n'.join(reasons))


def hole_from_pair(damaged: np.ndarray, gray: np.ndarray) -> np.ndarray:
    """The true hole of a real pair: the pixels that the damage changed, and the pixels of its value they enclose.

    The damage is one constant gray. Where the truth happens to have that very gray nothing changes, and inside the
    hole such pixels can be told; at its rim they cannot, and are left out (one in 2,000 of a hole's pixels, measured
    with competition-like shapes on photographs).

    Args:
        damaged: uint8 (H, W), the input.
        gray: uint8 (H, W), the luma of the truth.

    Returns:
        uint8 (H, W) in {0, 1}, 1 = hole.
    """
    from scipy.ndimage import binary_fill_holes

    changed = damaged != gray
    if not changed.any():
        return changed.astype(np.uint8)
    value = np.bincount(damaged[changed]).argmax()
    return (changed | (binary_fill_holes(changed) & (damaged == value))).astype(np.uint8)


def _sample_photos() -> Manifest:
    files = {}
    for name, folder in sorted(_SAMPLE_PHOTOS):
        package, _, below = folder.partition('/')
        spec = importlib.util.find_spec(package)  # looks for the package without importing it
        file = Path(spec.submodule_search_locations[0], below, name) if spec else None
        if file is None or not file.is_file():
            raise FileNotFoundError(
                f'the installed package {package} lacks its sample photograph {name}; give a folder of photographs, '
                'or type: pip install --force-reinstall --no-deps scikit-image scikit-learn matplotlib'
            )
        files[name] = str(file)
    return Manifest(Path(), files, files=files.values())


def _folder(root: Path) -> Manifest:
    told: dict[str, str] = {}
    names = sorted(walk_files(root, tell=told.__setitem__))
    if not names:
        raise _nothing_inside(root)
    for name in names:
        for marker in (_TRUTH, _DAMAGED):
            above, found, _ = f'/{name}'.partition(f'/{marker}/')
            if found:  # as photographs of their own, the damaged inputs would be learned as truths
                expected = root.joinpath(above.lstrip('/'))
                raise ValueError(
                    f"{root} holds the competition's folder {marker}/ in {expected}; "
                    f'give {expected} with {_TRUTH}/ in it, or the one folder of photographs to use'
                )
    return Manifest(root, names, left_out=told)


def _is_competition(root: Path) -> bool:
    return (root / _TRUTH).is_dir()


def _competition(root: Path) -> Manifest:
    told: dict[str, str] = {}
    finder = FileFinder(root)
    damaged_of = _listed_pairs(root, finder) if (root / _CSV).is_file() else _unlisted_pairs(root, told)
    truths = sorted(damaged_of)
    damaged = [finder.find(damaged_of[truth]) or '' for truth in truths]
    return Manifest(root, truths, damaged=damaged, left_out=told)


def _unlisted_pairs(root: Path, told: dict[str, str]) -> dict[str, str]:
    """Truth -> damaged input of the same name; what is passed over is added to `told`."""
    names = walk_files(root / _TRUTH, tell=lambda name, reason: told.update({f'{_TRUTH}/{name}': reason}))
    pairs = {f'{_TRUTH}/{name}': f'{_DAMAGED}/{name}' for name in names}
    if not pairs:
        raise _nothing_inside(root / _TRUTH)
    return pairs


def _listed_pairs(root: Path, finder: FileFinder) -> dict[str, str]:
    """Truth -> damaged input as `train.csv` lists them; the truths are there."""
    table, columns = root / _CSV, ('gt_image_path', 'input_image_path')
    pairs, missing = {}, []
    for line, row in read_rows(table, columns):
        listed, damaged = (_below(row[column], f'{table}, line {line}') for column in columns)
        truth = finder.find(listed)
        if truth is None:
            missing.append(listed)
        elif truth in pairs:
            raise ValueError(f'{table}, line {line}: {truth} is listed twice')
        else:
            pairs[truth] = damaged
    if missing:
        repair = NOT_UTF_8 if any(map(is_undecodable, missing)) else 'restore the files, or remove their rows'
        raise FileNotFoundError(
            f'{table} names {len(missing)} photographs that are not there, the first {missing[0]!r}; {repair}'
        )
    if not pairs:
        raise FileNotFoundError(f'{table} lists no photographs; remove it to use all of {_TRUTH}/')
    return pairs


def _below(value: str | None, where: str) -> str:
    """`./train_gt/a.png` -> `train_gt/a.png`, and nothing that leads out of the folder."""
    path = posixpath.normpath(value or '')
    if path == '.' or path.startswith(('/', '..')) or '\0' in path:
        raise ValueError(f'{where}: expected a path below the folder, like ./{_TRUTH}/TRAIN_00000.png, got {value!r}')
    return path


def _existing_folder(root: str | Path) -> Path:
    root = Path(root)
    if root.is_dir():
        return root
    if root.exists():
        raise ValueError(f'{root} is a file; give the folder that holds the photographs')
    near = next((parent for parent in root.absolute().parents if parent.is_dir()), root.anchor)
    raise FileNotFoundError(f'no folder {root} (of its path, {near} exists); give a folder of photographs')


def _nothing_inside(root: Path) -> FileNotFoundError:
    """The error for a folder without images, with what it holds instead."""
    found = contents(root) or 'no files at all'
    return FileNotFoundError(
        f'no photographs in {root}: found {found}; expected files like {", ".join(sorted(IMAGE_SUFFIXES)[:10])} ...'
    )
