"""What a person asks `tools/infer.py` for, checked and listed before a heavy library is loaded."""

import hashlib
import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import toolbox
from toolbox.images.io import MAX_PIXELS
from toolbox.infer.listing import ListedPhoto, list_photos, other_files
from toolbox.infer.masks import MaskFolder
from toolbox.infer.outputs import Outputs, is_zip
from toolbox.models import shipped_model
from toolbox.system.digests import sha256_of_file
from toolbox.system.output_paths import check_length
from toolbox.system.paths import MODEL_FILE, RUN_CONFIG


@dataclass(frozen=True)
class InferRequest:
    """A job that can begin.

    Attributes:
        checkpoints: files.
        photos: what is to be restored.
        outputs: where to.
        masks: 'auto', 'none', or masks in a folder.
        save_masks: where holes are written, or None.
        options: `weights`, `average`, `tta`, `tile`, `device`, `precision`, `colors` and `strength` as
            `Restorer.from_checkpoints` takes them.
        batch_size: photographs at once; None for what the first checkpoint's config says.
        keep_metadata: whether outputs get the EXIF and the color profile of their photographs.
        max_pixels: larger photographs are refused.
        left_out: files of the input that are no photographs by their suffix, in words.
        unlisted: what of the input could not be listed, and why.
        record: what the bytes of the outputs depend on.
        trust_plugins: whether plugins that the checkpoints name are imported.
    """

    checkpoints: list[Path]
    photos: list[ListedPhoto]
    outputs: Outputs
    masks: str | MaskFolder
    save_masks: Path | None
    options: dict[str, Any]
    batch_size: int | None
    keep_metadata: bool
    max_pixels: int
    left_out: str
    unlisted: dict[str, str]
    record: dict[str, Any]
    trust_plugins: bool


def check_request(
    checkpoints: Sequence[str | Path],
    source: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    weights: Sequence[float] | str | None = None,
    average: bool = False,
    tta: str = 'none',
    tile: int | None = None,
    batch_size: int | None = None,
    masks: str | Path = 'auto',
    save_masks: str | Path | None = None,
    device: str = 'auto',
    precision: str | None = None,
    resume: bool = False,
    keep_metadata: bool = False,
    max_pixels: int = MAX_PIXELS,
    trust_plugins: bool = False,
    colors: str | None = None,
    strength: float | None = None,
) -> InferRequest:
    """Check and list what `toolbox.infer.restore_files.infer` is to do.

    Args:
        checkpoints: files, or run folders: their best.pth, or those of all their folds; none: the shipped model.
        source: an image or several, a folder of images, or a csv; see `toolbox.infer.listing.list_photos`.
        out: a folder, which mirrors the input's tree, or a zip as the leaderboard takes it; None: a new folder,
            `restored`, or `restored-2` and so on.
        weights, average, tta, tile, device, precision, colors, strength: see `Restorer.from_checkpoints`.
        batch_size: photographs at once; None for what the first checkpoint's config says.
        masks: 'auto', 'none', or a folder of masks, 255 = hole.
        save_masks: a folder for the holes, as masks that `masks` takes again; or None.
        resume: go on with a job that was interrupted.
        keep_metadata: whether outputs get the EXIF and the color profile of their photographs.
        max_pixels: larger photographs are refused.
        trust_plugins: whether plugins that the checkpoints name are imported.

    Raises:
        FileNotFoundError, FileExistsError, ValueError: with what to type instead.
    """
    files = [file for checkpoint in checkpoints or [shipped_model()] for file in find_checkpoints(Path(checkpoint))]
    out, save_masks = new_folder() if out is None else Path(out), None if save_masks is None else Path(save_masks)
    _check_weights(files, weights, average)
    outputs = Outputs(out)
    folder_of_masks = None if str(masks) in ('auto', 'none') else Path(masks)
    without = [folder for folder in (outputs.folder, save_masks, folder_of_masks) if folder is not None]
    unlisted: dict[str, str] = {}
    photos = list_photos(source, flat=is_zip(out), without=without, tell=unlisted.__setitem__)
    outputs.check(photos, resume)
    holes = str(masks) if folder_of_masks is None else MaskFolder(folder_of_masks, photos)
    _check_format(files)
    if save_masks is not None:
        _check_save_masks(save_masks, outputs, photos, resume)
    options: dict[str, Any] = dict(weights=weights, average=average, tta=tta, tile=tile)
    options |= dict(device=device, precision=precision, colors=colors, strength=strength)
    return InferRequest(
        checkpoints=files,
        photos=photos,
        outputs=outputs,
        masks=holes,
        save_masks=save_masks,
        options=options,
        batch_size=batch_size,
        keep_metadata=keep_metadata,
        max_pixels=max_pixels,
        left_out=other_files(source),
        unlisted=unlisted,
        record=dict(
            **_record(files, photos, options, holes),
            batch_size=batch_size,
            keep_metadata=keep_metadata,
            max_pixels=max_pixels,
        ),
        trust_plugins=trust_plugins,
    )


def is_checkpoint(path: Path) -> bool:
    """Whether a path, as it was typed, is a checkpoint or a run folder rather than photographs."""
    return path.suffix.lower() in ('.pth', MODEL_FILE) or any(
        next(path.glob(pattern), None) is not None for pattern in (RUN_CONFIG, 'best.pth', 'fold_*/best.pth')
    )


def new_folder(name: str = 'restored') -> Path:
    """A folder for outputs that is not there yet, in the working folder."""
    folders = (Path(name if number == 1 else f'{name}-{number}') for number in itertools.count(1))
    return next(folder for folder in folders if not folder.exists())


def find_checkpoints(path: Path) -> list[Path]:
    """A checkpoint file as it is; of a run folder its best.pth, or those of its folds.

    Raises:
        FileNotFoundError: none there.
    """
    if path.is_file():
        return [path]
    found = [path / 'best.pth'] if (path / 'best.pth').is_file() else sorted(path.glob('fold_*/best.pth'))
    if not found:
        below = max(path.glob('*/best.pth'), key=lambda file: file.stat().st_mtime, default=None)
        raise FileNotFoundError(
            f'no checkpoint {path}: give a best.pth or last.pth, or a run folder that holds one'
            + (f'; the newest below it is {below.parent}' if below else '')
        )
    return found


def _record(
    files: Sequence[Path], photos: Sequence[ListedPhoto], options: Mapping[str, Any], masks: str | MaskFolder
) -> dict[str, Any]:
    """What decides the outputs: a job is resumed by an equal one alone."""
    return dict(
        huefill=toolbox.__version__,
        checkpoints=[sha256_of_file(file) for file in files],
        **options,
        masks=masks if isinstance(masks, str) else str(masks.folder),
        photos=f'{len(photos)}, {hashlib.sha256(_names(photos)).hexdigest()}',
    )


def _check_weights(files: Sequence[Path], weights: Sequence[float] | str | None, average: bool) -> None:
    if weights is not None and weights != 'score' and len(weights) != len(files):
        raise ValueError(f'{len(weights)} x --weights for {_counted(files)}: give one number for each')
    if len(files) == 1 and (weights is not None or average):
        unused = '--weights' if weights is not None else '--average-checkpoints'
        raise ValueError(
            f'{unused} is for several checkpoints, and there is one, {files[0]}: leave it out, or name more'
        )


def _check_save_masks(folder: Path, outputs: Outputs, photos: Sequence[ListedPhoto], resume: bool) -> None:
    if folder.resolve() == outputs.folder.resolve():
        raise ValueError(f'--save-masks {folder} is --out as well, and the names are the same: choose another')
    check_length('--save-masks', folder, within=max(len(os.fsencode(photo.output)) for photo in photos))
    if not resume:
        _check_nothing_overwritten(folder, photos)


def _counted(files: Sequence[Path]) -> str:
    return f'{len(files)} checkpoint{"" if len(files) == 1 else "s"} ({", ".join(map(str, files))})'


def _check_format(files: Sequence[Path]) -> None:
    """Raise ValueError for what is no checkpoint at first sight: torch writes zip files."""
    for file in files:
        if file.suffix.lower() == MODEL_FILE:
            continue
        with file.open('rb') as content:
            if content.read(4) != b'PK\3\4':
                raise ValueError(f'{file} is no checkpoint: give the best.pth that training wrote, or its run folder')


def _check_nothing_overwritten(folder: Path, photos: Sequence[ListedPhoto]) -> None:
    taken = next((photo.output for photo in photos if (folder / photo.output).exists()), None)
    if taken is not None:
        raise FileExistsError(f'{folder / taken} exists already: choose another --save-masks')


def _names(photos: Sequence[ListedPhoto]) -> bytes:
    return '\n'.join(photo.name for photo in photos).encode('utf-8', 'surrogateescape')
