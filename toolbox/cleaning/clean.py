"""Cleans a data set: looks at every file, groups duplicates, finds what does not belong, and writes it all down."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from toolbox.cleaning.cache import Cache
from toolbox.cleaning.cleaned_images import CleanedImages
from toolbox.cleaning.decisions import KINDS, Images, best_members, check_file_rules, decide, file_remarks
from toolbox.cleaning.duplicates import group_duplicates
from toolbox.cleaning.memory import available_bytes, check_memory
from toolbox.cleaning.outliers import Detection, detect_outliers
from toolbox.cleaning.scan import Scan, local_batches, scan_files
from toolbox.cleaning.stability import Stability, compare_seeds
from toolbox.config import schema
from toolbox.config.loading import dump_config, load_config
from toolbox.data.clean_csv import Row, write_clean_csv
from toolbox.data.manifest import Manifest
from toolbox.data.sources import open_source
from toolbox.data.walking import told_in_words
from toolbox.data.workers import loss_of_a_worker_explained
from toolbox.plugin.contracts import Embedder
from toolbox.plugin.registry import DETECTORS, EMBEDDERS, REDUCERS
from toolbox.system.bars import bar
from toolbox.system.digests import sha256_of_file
from toolbox.system.disk_errors import make_folder, writing_into
from toolbox.system.files import in_one_move, remove_leftovers, write_rows, zip_to
from toolbox.system.locks import locked
from toolbox.system.output_paths import check_output
from toolbox.system.records import Damaged, read_record, save_record
from toolbox.system.words import counted, in_words

WritePage = Callable[[Path, str, CleanedImages], None]

_GO_ON = 'what was learned of the files is kept: the same command goes on where this run stopped'
_THUMBNAILS_SHOWN = 50_000  # a page of some seventy megabytes


def clean(
    root: str,
    out: str,
    config: str,
    write_page: WritePage,
    options: Mapping[str, Any] | None = None,
    ray: str | None = None,
    say: Callable[[str], None] = print,
    trust_plugins: bool = False,
) -> list[Row]:
    """Clean a data set, and write `clean.csv`, `embeddings.npz`, `failures.csv`, `report.html` and `summary.json`.

    Args:
        root: a folder of photographs, or the competition's.
        out: the folder for what is written, and for the cache that a further run starts from.
        config: a cleaning config.
        write_page: writes `report.html`, given its path, title and content:
            `toolbox.report.cleaning.write_cleaning_report`.
        options: values by dotted path, in place of the config's.
        ray: 'local' or the address of a Ray cluster, to embed there; None: in this process.
        say: told what happens.
        trust_plugins: import what a cleaned folder's `config.py`, given as the config, lists as `custom_imports`.

    Returns:
        A row per file, as in `clean.csv`.

    Raises:
        FileNotFoundError, FileExistsError, ValueError, ConnectionError: with what to type instead.
    """
    resolved = load_config(config, options, say, schema.CLEANING, trust_plugins)
    check_file_rules(resolved.files.drop)
    if Path(out).resolve() == Path(root).resolve():
        raise ValueError(f'--out {out} is the folder of the photographs; give another one, such as --out cleaned')
    photos = open_source(root)
    if photos.left_out:
        say(f'passed over: {told_in_words(photos.left_out)}')
    _check_options(resolved)
    folder = _writable_folder(out)
    with writing_into(folder, _GO_ON), locked(folder, 'cleaning a data set', option='--out', keep=False):
        remove_leftovers(folder)
        return _clean(root, folder, photos, resolved, write_page, ray, say)


def _clean(
    root: str,
    folder: Path,
    photos: Manifest,
    resolved: Config,
    write_page: WritePage,
    ray: str | None,
    say: Callable[[str], None],
) -> list[Row]:
    _spare_edited_csv(folder)
    embedder = EMBEDDERS.build(resolved.embedder)
    if embedder.batch_size < 1:
        raise ValueError(f'embedder.batch_size: expected 1 or more, got {embedder.batch_size}')
    probe = embedder(embedder.prepare(np.zeros((64, 64, 3), np.uint8))[None])
    say(check_memory(len(photos), probe.shape[1], resolved.fit_limit, available_bytes()))
    with closing(Cache(folder / 'cache.sqlite', embedder.identity)) as cache:
        dump_config(resolved, folder / 'config.py')
        started = time.perf_counter()
        scan = _scan(photos, embedder, cache, resolved, ray)
        new = f'{counted(scan.num_new, "image")} {"was" if scan.num_new == 1 else "were"} new'
        if cache.num_damaged:
            rows = counted(cache.num_damaged, 'row')
            say(f'{cache.path}: {rows} damaged; what they were about was computed again')
        say(f'{counted(len(photos), "file")}, {len(scan.failures):,} unreadable; {new}')
        cleaned = _judge(photos, scan, cache, resolved, say)
        cleaned.detection.seconds = {'files': time.perf_counter() - started, **cleaned.detection.seconds}
        _write(folder, root, cleaned, cache, resolved, write_page)
    say(_totals(cleaned.kinds))
    say(f'look: {folder / "report.html"}\nuse:  --cfg-options clean_csv={folder / "clean.csv"}')
    return cleaned.rows


def _check_options(config: Config) -> None:
    """Raise ValueError for what the parts do not take, now: they are needed when the images have been embedded."""
    for kind, part in ((REDUCERS, config.reducer), (DETECTORS, config.detector)):
        kind.build(part, seed=config.seed)


def _writable_folder(out: str) -> Path:
    """The folder for what is written, made if it is not there."""
    check_output('--out', out, is_folder=True)
    make_folder(Path(out))
    return Path(out)


@dataclass
class _Cleaned:
    """Everything that was found out: of N files, M images, K of them judged for what they show."""

    images: Images
    hashes: list[bytes]  # of the M images
    vectors: np.ndarray  # (M, D)
    judged: np.ndarray  # (K,), places among the M images
    detection: Detection  # of the K
    stability: Stability | None
    rows: list[Row]  # of the N files
    kinds: list[str]  # of the N files, the rule that decided


def _spare_edited_csv(folder: Path) -> None:
    """Raise FileExistsError if there is a clean.csv that is not what a run wrote: somebody's work is in it."""
    table, summary = folder / 'clean.csv', folder / 'summary.json'
    if not table.is_file():
        return
    aside = f'whether {table} was edited cannot be told: move it away, or choose another --out'
    try:
        written = read_record(summary, {'clean_csv_sha256': str}, aside, ('clean_csv_sha256',))['clean_csv_sha256']
    except FileNotFoundError:  # of no run
        written = None
    except Damaged as error:
        raise FileExistsError(str(error)) from error
    if sha256_of_file(table) != written:
        raise FileExistsError(f'{table} was edited since it was written; move it away, or choose another --out')


def _scan(photos: Manifest, embedder: Embedder, cache: Cache, config: Config, ray: str | None) -> Scan:
    if ray is None:
        batches = local_batches(photos, embedder, cache.known(), config.workers)
    else:
        from toolbox.cleaning.remote import ray_batches

        batches = ray_batches(photos, embedder, config, cache.known(), ray)
    way_on = 'run again, which goes on where this run stopped'
    with bar(len(photos), 'file') as shown, loss_of_a_worker_explained(way_on, 'workers'):
        return scan_files(len(photos), batches, cache, shown.update)


def _judge(photos: Manifest, scan: Scan, cache: Cache, config: Config, say: Callable[[str], None]) -> _Cleaned:
    """Group duplicates, judge one image of each group, and decide about all files."""
    images, hashes, vectors = _images(photos, scan, cache, config)
    remarks = [file_remarks(facts, config.files.min_side) for facts in images.facts]
    usable = np.array([not remark.keys() & set(config.files.drop) for remark in remarks])
    best = best_members(images, usable)
    stays = (images.groups < 0) | np.isin(np.arange(len(hashes)), list(best.values()))
    judged = np.flatnonzero(usable & stays)
    embedding, seed = vectors[judged], config.seed
    detection = detect_outliers(embedding, config.reducer, config.detector, seed, config.fit_limit, say)
    say(f'comparing with {config.stability_seeds} other seeds')
    started = time.perf_counter()
    stability = compare_seeds(detection, embedding, config.reducer, seed, config.stability_seeds)
    detection.seconds['stability'] = time.perf_counter() - started
    say(f'stability: {stability or "not compared"}')
    rows, kinds = decide(images, remarks, config.files.drop, best, judged, detection.outliers)
    return _Cleaned(images, hashes, vectors, judged, detection, stability, rows, kinds)


def _images(photos: Manifest, scan: Scan, cache: Cache, config: Config) -> tuple[Images, list[bytes], np.ndarray]:
    """The files that are images, their SHA-256 and their vectors."""
    indices = np.array([index for index in range(len(photos)) if index not in scan.failures], np.int64)
    if not len(indices):
        reason = next(iter(scan.failures.values()))
        raise ValueError(f'none of the {len(photos)} files is an image; the first: {reason}')
    hashes = [scan.hashes[index] for index in indices]
    facts_of = cache.facts(set(hashes))
    facts, vectors = [facts_of[sha256] for sha256 in hashes], cache.vectors(hashes)
    groups = group_duplicates(hashes, facts, vectors, cache.thumbnails, **config.duplicates)
    images = Images(photos.names, scan.failures, indices, facts, scan.num_bytes[indices].tolist(), groups)
    return images, hashes, vectors


def _write(folder: Path, root: str, cleaned: _Cleaned, cache: Cache, config: Config, write_page: WritePage) -> None:
    failures = [(cleaned.images.names[index], why) for index, why in sorted(cleaned.images.failures.items())]
    write_rows(folder / 'failures.csv', [('image', 'reason'), *failures])
    _write_embeddings(folder / 'embeddings.npz', cleaned)
    shown = CleanedImages(
        cleaned.rows,
        cleaned.kinds,
        _thumbnails(cleaned, cache),
        _positions(cleaned),
        cleaned.detection.notes,
        _settings(config, cleaned),
        cleaned.detection.seconds,
    )
    write_page(folder / 'report.html', f'Cleaning of {Path(root).resolve().name}', shown)
    # Together and last: the summary knows the csv that it belongs to.
    write_clean_csv(folder / 'clean.csv', cleaned.rows)
    save_record(folder / 'summary.json', _summary(folder, root, cleaned))


def _thumbnails(cleaned: _Cleaned, cache: Cache) -> dict[int, bytes]:
    """Of all images, by the index of the file; of too many those that are dropped, and evenly some of the others."""
    indices = cleaned.images.indices
    kept = np.array([cleaned.kinds[index] == 'kept' for index in indices])
    room = max(1, _THUMBNAILS_SHOWN - int((~kept).sum()))
    some = np.flatnonzero(kept)[:: -(-int(kept.sum()) // room) or 1]
    shown = np.concatenate([np.flatnonzero(~kept)[:_THUMBNAILS_SHOWN], some])
    files = cache.thumbnails({cleaned.hashes[image] for image in shown})
    return {int(indices[image]): files[cleaned.hashes[image]] for image in shown}


def _write_embeddings(path: Path, cleaned: _Cleaned) -> None:
    """`image` (M,), `embedding` (M, D), and of the judged ones `judged` (K,) and `reduced` (K, d)."""
    names = np.array([cleaned.images.name(image) for image in range(len(cleaned.images.indices))])
    arrays = dict(image=names, embedding=cleaned.vectors, judged=cleaned.judged, reduced=cleaned.detection.reduced)
    with in_one_move(path) as file, zip_to(file) as archive:  # np.savez would try a full disk twice
        for name, array in arrays.items():
            with archive.open(f'{name}.npy', 'w', force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _positions(cleaned: _Cleaned) -> np.ndarray:
    """Places on the map, (N, 2): two dimensions as they are, of more the two main directions."""
    reduced = cleaned.detection.reduced
    if reduced.shape[1] > 2:
        centered = reduced - reduced.mean(axis=0)
        _, directions = np.linalg.eigh(centered.T @ centered)
        reduced = centered @ directions[:, :-3:-1]
    positions = np.full((len(cleaned.rows), 2), np.nan)
    positions[cleaned.images.indices[cleaned.judged], : reduced.shape[1]] = reduced
    if reduced.shape[1] == 1:
        positions[cleaned.images.indices[cleaned.judged], 1] = 0
    return positions


def _summary(folder: Path, root: str, cleaned: _Cleaned) -> dict[str, Any]:
    detection = cleaned.detection
    return {
        'root': str(Path(root).resolve()),
        'files': len(cleaned.rows),
        **{kind: cleaned.kinds.count(kind) for kind in KINDS},
        'detector': detection.detector,
        'notes': detection.notes,
        'stability': None if cleaned.stability is None else asdict(cleaned.stability),
        'seconds': detection.seconds,
        'clean_csv_sha256': sha256_of_file(folder / 'clean.csv'),
    }


def _settings(config: Config, cleaned: _Cleaned) -> dict[str, str]:
    """What the report says about how it came about."""
    return {
        **{key: in_words(config[key]) for key in ('embedder', 'reducer')},
        'detector': in_words(cleaned.detection.detector),
        **{key: in_words(config[key]) for key in ('files', 'duplicates', 'seed')},
        'stability': str(cleaned.stability or 'not compared'),
    }


def _totals(kinds: list[str]) -> str:
    amounts = Counter(kinds)
    dropped = [
        f'{amounts["unreadable"]:,} unreadable',
        f'{amounts["file"]:,} unsuitable',
        counted(amounts['duplicate'], 'duplicate'),
        counted(amounts['outlier'], 'outlier'),
    ]
    stay = 'stays' if amounts['kept'] == 1 else 'stay'
    return f'{amounts["kept"]:,} of {counted(len(kinds), "file")} {stay}; left out: {", ".join(dropped)}'
