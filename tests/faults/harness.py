"""Runs a tool once for each position at which the file system may fail, and says how it was taken.

`python -m tests.faults.harness JOB KINDS --scratch DIR [--positions N] [--once] [--error NAME ...]`, started with the
library made of `failing_writes.c` in LD_PRELOAD. Heavy packages are imported once; each run is a fork, and so are the
trials of an ablation. A line of JSON per position.
"""

import argparse
import csv
import ctypes
import errno
import importlib
import itertools
import json
import os
import shutil
import signal
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from tests.support import RECIPE, TINY, scene
from toolbox.system.paths import CONFIGS

HANGS_AFTER_SECONDS = 180
GOES_ON = ('--resume', '--rerun-failed', 'the same command', 'choose another', 'make room')  # what an error tells to do
IMPORTED = (  # what a run imports on its way
    *('albumentations', 'cv2', 'matplotlib.pyplot', 'numba', 'segmentation_models_pytorch', 'timm'),
    *('toolbox.experiment.ablate', 'toolbox.report.ablation_page', 'toolbox.scoring.kernels.cpu'),
    'toolbox.training.train',
)
QUICK = [*TINY, 'model.decoder.type=Unet', 'model.layout.type=OneStage', 'visualizers=[]', 'data.batch_size=3']
ABLATION = """
_base_ = ['{configs}/_base_/ablation.py']
axes = dict(attention=dict(se={{'model.attention.type': 'SE'}}, none={{'model.attention.type': 'none'}}))
seeds = [0]
photos = 1
"""
COSTS = ('images_per_second', 'peak_memory_mib', 'wall_minutes', 'gpu_minutes')
CLEANING = ['embedder.type=ColorTexture', 'reducer.type=PCA', 'reducer.n_components=4', 'detector.type=KNNDistance']


@dataclass
class Verdict:
    """How a fault was taken.

    Attributes:
        position: the operation that failed, from 1.
        code: the tool's exit code; None: it hung.
        told: the last line of its errors.
        wrong: what should not be; '' if all is well.
    """

    position: int
    code: int | None
    told: str
    wrong: str


@dataclass
class Job:
    """A tool on small photographs.

    Attributes:
        arguments: of the tool, for an output folder, and whether it goes on with what is there.
        result: what it made, as values that can be compared.
        kept: what is wrong with what a run that failed has left; '' for nothing.
    """

    tool: str
    arguments: Callable[[Path, bool], list[str]]
    result: Callable[[Path], object]
    kept: Callable[[Path], str] = lambda folder: ''


def photographs(folder: Path, number: int, side: int = 48) -> Path:
    """Small gray photographs; each with a hole of one gray value."""
    folder.mkdir(parents=True)
    for seed in range(number):
        image = Image.fromarray(scene(seed, side, side))
        if 'gray' in folder.name:
            image = image.convert('L')
            image.paste(40, (8, 10, 22, 26))
        image.save(folder / f'{seed}.png')
    return folder


def training(scratch: Path) -> Job:
    photos = photographs(scratch / 'photos', 9)
    options = [*QUICK, 'train_cfg.max_epochs=2', 'train_cfg.save_steps=1', 'sample_images=1']

    def arguments(out: Path, again: bool) -> list[str]:
        where = ['--data-root', str(photos), '--work-dir', str(out)]
        return [RECIPE, *where, *(['--resume'] if again else []), '--cfg-options', *options]

    def result(out: Path) -> object:
        content = {name: read(out / name) for name in ('best.pth', 'last.pth')}
        said = json.loads((out / 'metrics.json').read_text())
        best = content['best.pth']['metrics']
        weights = {name: _digest(state['model']) for name, state in content.items()}
        return {'weights': weights, 'said': said, 'metrics of best.pth': best}

    def kept(out: Path) -> str:
        for path in out.glob('*.pth'):
            if path.name != 'damaged.pth':
                read(path)  # raises for what is not whole
        if (out / 'metrics.json').is_file() and (out / 'best.pth').is_file():
            said, best = json.loads((out / 'metrics.json').read_text()), read(out / 'best.pth')['metrics']
            if said != best:
                return f'metrics.json says {said}, best.pth {best}'
        return ''

    return Job('train', arguments, result, kept)


def restoring(scratch: Path) -> Job:
    return _restoring(scratch, 'out')


def restoring_to_zip(scratch: Path) -> Job:
    return _restoring(scratch, 'out.zip')


def _restoring(scratch: Path, name: str) -> Job:
    photos = photographs(scratch / 'gray', 4, 40)

    def arguments(out: Path, again: bool) -> list[str]:
        return ['--input', str(photos), '--out', str(out / name), *(['--resume'] if again else [])]

    def result(out: Path) -> object:
        names = [name] if name.endswith('.zip') else [f'{name}/{seed}.png' for seed in range(4)]
        return {name: (out / name).read_bytes() for name in names}

    return Job('infer', arguments, result)


def cleaning(scratch: Path) -> Job:
    photos = photographs(scratch / 'photos', 8)

    def arguments(out: Path, again: bool) -> list[str]:
        return [str(photos), '--out', str(out), '--cfg-options', *CLEANING, 'stability_seeds=0', 'workers=0']

    return Job('clean_data', arguments, lambda out: (out / 'clean.csv').read_text())


def comparing(scratch: Path) -> Job:
    photos = photographs(scratch / 'photos', 9)
    ablation = scratch / 'parts.py'
    ablation.write_text(ABLATION.format(configs=CONFIGS), encoding='utf-8')

    def arguments(out: Path, again: bool) -> list[str]:
        where = ['--data-root', str(photos), '--work-dir', str(out)]
        how = ['--steps', '2', *(['--rerun-failed'] if again else [])]
        return [str(ablation), *where, *how, '--cfg-options', *QUICK, 'sample_images=0']

    def result(out: Path) -> object:
        with open(out / 'table.csv', newline='', encoding='utf-8') as file:
            rows = [{key: row[key] for key in row if key not in COSTS} for row in csv.DictReader(file)]
        weights = {path.parent.name: _digest(read(path)['model']) for path in out.glob('trials/*/best.pth')}
        said = {path.parent.name: json.loads(path.read_text()) for path in out.glob('trials/*/result.json')}
        return {
            'table': rows,
            'weights': weights,
            'rows': {name: [content['metrics'], content['per_image']] for name, content in said.items()},
            'page': (out / 'report.html').is_file(),
        }

    def kept(out: Path) -> str:
        for path in out.glob('trials/*/*.pth'):
            if path.name != 'damaged.pth':
                read(path)
        for path in out.glob('trials/*/state.json'):
            if json.loads(path.read_text())['state'] == 'done':
                said = json.loads((path.parent / 'result.json').read_text())
                mean = statistics.fmean(row['ssim'] for row in said['per_image'].values())
                best = read(path.parent / 'best.pth')['metrics']
                if abs(said['metrics']['ssim'] - mean) > 1e-6 or abs(best['ssim'] - mean) > 1e-6:
                    return f'{path.parent}: means, rows and best.pth are of two evaluations'
        return ''

    return Job('ablate', arguments, result, kept)


JOBS = {'train': training, 'infer': restoring, 'zip': restoring_to_zip, 'clean': cleaning, 'ablate': comparing}


def read(path: Path) -> dict:
    """A checkpoint's content."""
    from toolbox.training.checkpoint import read_checkpoint

    return read_checkpoint(path)


def _digest(tensors: dict) -> object:
    from toolbox.training.checksum import checksum

    return checksum(tensors)


def run(
    job: Job, out: Path, again: bool, kind: str = '-', position: int = 0, once: bool = False, error: int = 0
) -> tuple:
    """A run in a process of its own: its exit code (None: it hangs), what it said, how many operations it made."""
    said, counted = out.with_suffix('.said'), out.with_suffix('.counted')
    out.mkdir(exist_ok=True)
    process = os.fork()
    if process == 0:
        with open(said, 'wb') as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        code = 70
        try:
            os.environ['FAILING_WRITES'] = f'{kind}:{position}:{int(once)}:{error}:{out}/'
            library = ctypes.CDLL(None)
            library.fail_at(ord(kind), position, f'{out}/'.encode(), int(once))
            library.fail_with(error)
            from toolbox.experiment.workers import processes
            from toolbox.system.console import load_tool

            processes._start_method = lambda: 'fork'  # a server would import all packages anew for each run
            code = load_tool(job.tool).main(job.arguments(out, again))
            counted.write_text(json.dumps({kind: library.operations(ord(kind)) for kind in 'wrs'}))
        except SystemExit as end:
            code = end.code
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code or 0)
    deadline = time.monotonic() + HANGS_AFTER_SECONDS
    while time.monotonic() < deadline:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            operations = json.loads(counted.read_text()) if counted.is_file() else {}
            return os.waitstatus_to_exitcode(status), said.read_text(errors='replace'), operations
        time.sleep(0.02)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None, said.read_text(errors='replace'), {}


def try_position(
    job: Job, expected: object, scratch: Path, kind: str, position: int, once: bool, error: int = 0
) -> Verdict:
    """Let one operation fail; look at what is left; go on without faults; compare with a run that met none."""
    out = scratch / f'{kind}{position}{errno.errorcode.get(error, "")}'
    code, said, _ = run(job, out, False, kind, position, once, error)
    told = '\n'.join(line for line in said.splitlines() if line.startswith('error:') or 'FAILED' in line)
    told = told or (said.strip().splitlines() or [''])[-1]

    def verdict(wrong: str) -> Verdict:
        if not wrong:
            shutil.rmtree(out)
        return Verdict(position, code, told, wrong)

    if code is None:
        return verdict('hangs')
    if 'Traceback' in said:
        return verdict('traceback')
    try:
        if wrong := job.kept(out):
            return verdict(wrong)
        if code == 0 and job.result(out) != expected:
            return verdict('ends well with another result')
    except (OSError, ValueError, KeyError) as error:
        return verdict(f'left behind: {error}')
    if code == 0:
        return verdict('')
    if str(out) not in told:
        return verdict('no file is named')
    if not any(words in said for words in GOES_ON):
        return verdict('how to go on is not said')
    again, said, _ = run(job, out, True)
    if again != 0:
        return verdict(f'cannot be gone on with: {said.strip()[-300:]}')
    return verdict('' if job.result(out) == expected else 'gone on with, it has another result')


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('job', choices=JOBS)
    parser.add_argument('kinds', help='letters: w writes, r renames, s forces to the disk')
    parser.add_argument('--scratch', type=Path, required=True)
    parser.add_argument('--positions', type=int, help='how many, spread over all (default: each)')
    parser.add_argument('--once', action='store_true', help='one operation fails, those after it do not')
    parser.add_argument('--error', nargs='+', default=[''], help='of errno, like ESTALE (default: ENOSPC, EIO)')
    parser.add_argument('--from', type=int, default=1, dest='first', help='the first position to try')
    arguments = parser.parse_args()

    import torch

    from toolbox.plugin.discovery import discover_plugins

    torch.set_num_threads(1)
    discover_plugins()
    for module in IMPORTED:
        importlib.import_module(module)
    job = JOBS[arguments.job](arguments.scratch)
    reference = arguments.scratch / 'reference'
    code, said, operations = run(job, reference, False)
    assert code == 0, said
    expected = job.result(reference)
    for kind, error in itertools.product(arguments.kinds, arguments.error):
        number = min(operations[kind], arguments.positions or operations[kind])
        for step in range(number):
            position = 1 + (2 * step + 1) * operations[kind] // (2 * number)
            if position < arguments.first:
                continue
            tried = try_position(
                job, expected, arguments.scratch, kind, position, arguments.once, getattr(errno, error, 0)
            )
            print(json.dumps({'kind': kind, 'error': error, 'of': operations[kind], **asdict(tried)}), flush=True)


if __name__ == '__main__':
    main()
