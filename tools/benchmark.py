"""Measure speed: `python tools/benchmark.py train|score|masks|clean|infer|loader|gpu`."""

import argparse
import sys
from pathlib import Path
from typing import Any

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # not tools/, whose files would shadow packages

from toolbox.config.options import ParseOptions
from toolbox.system.cli import parse, run_tool
from toolbox.system.paths import REPOSITORY, command


def build_parser(prog: str | None = None) -> argparse.ArgumentParser:
    """The command line; `prog` is what a person types for it."""
    parser = argparse.ArgumentParser(
        prog=prog or command('benchmark'), description='Measure how fast parts of the toolbox are, on this machine.'
    )
    jobs = parser.add_subparsers(required=True, metavar='JOB', dest='name')
    _add_train(jobs)
    _add_score(jobs)
    _add_masks(jobs)
    _add_clean(jobs)
    _add_infer(jobs)
    _add_loader(jobs)
    _add_gpu(jobs)
    return parser


def parse_arguments(argv: list[str] | None, prog: str | None = None) -> argparse.Namespace:
    """What was typed, checked."""
    parser = build_parser(prog)
    return parse(parser, argv)


def main(argv: list[str] | None = None, prog: str | None = None) -> int:
    """Measure and print; returns the exit code."""
    arguments = parse_arguments(argv, prog)
    return run_tool(lambda: measure(arguments))


def measure(arguments: argparse.Namespace) -> None:
    """Run the job that was asked for, from `benchmarks/`, which only a checkout has."""
    if not (REPOSITORY / 'benchmarks').is_dir():
        raise FileNotFoundError(
            'the benchmarks are in the repository, not in the installed package: in a checkout of it, type '
            f'python tools/benchmark.py {arguments.name}'
        )
    if str(REPOSITORY) not in sys.path:
        sys.path.insert(0, str(REPOSITORY))
    arguments.job(arguments)


def _add_train(jobs: argparse._SubParsersAction) -> None:
    parser = jobs.add_parser('train', help='training against the published recipe written plainly')
    parser.add_argument('photos', metavar='DIR', help='photographs, at least a block of steps of them')
    parser.add_argument('--config', default='configs/unetpp_cbam_b4.py', metavar='CONFIG', help='what is trained')
    parser.add_argument(
        '--against', metavar='CONFIG', help='another config, in place of the published recipe written plainly'
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action=ParseOptions, metavar='K=V', help="with --against: both configs' values"
    )
    parser.add_argument('--size', type=int, default=512, metavar='PX', help='side of the images (default: 512)')
    parser.add_argument('--batch-size', type=int, default=8, metavar='N', help='photographs per step (default: 8)')
    parser.add_argument('--steps', type=int, default=4, metavar='N', help='steps in a timed block (default: 4)')
    parser.add_argument('--rounds', type=int, default=3, metavar='N', help='timed blocks of each (default: 3)')
    parser.add_argument(
        '--precision', choices=('auto', 'bf16', 'float32'), default='auto', help="Huefill's (default: auto)"
    )
    parser.set_defaults(job=train)


def train(arguments: argparse.Namespace) -> None:
    """Time training."""
    from benchmarks.train import benchmark_configs, benchmark_train

    options = _options(arguments, 'against', 'cfg_options')
    if arguments.against is not None:
        print(benchmark_configs(against=arguments.against, options=arguments.cfg_options, **options))
    elif arguments.cfg_options:
        raise ValueError('--cfg-options changes two configs that are compared: add --against CONFIG')
    else:
        print(benchmark_train(**options))


def _add_score(jobs: argparse._SubParsersAction) -> None:
    parser = jobs.add_parser('score', help="the leaderboard's score against its transcription with skimage and cv2")
    parser.add_argument('--size', type=int, default=512, metavar='PX', help='side of the image (default: 512)')
    parser.add_argument('--repeats', type=int, default=20, metavar='N', help='timed runs of each (default: 20)')
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu', help='cpu: one thread (default)')
    parser.set_defaults(job=score)


def score(arguments: argparse.Namespace) -> None:
    """Time the score."""
    from benchmarks.score import benchmark_score

    print(benchmark_score(arguments.size, arguments.repeats, arguments.device))


def _add_masks(jobs: argparse._SubParsersAction) -> None:
    parser = jobs.add_parser('masks', help='the mask generators, and the code that RandomPolygon draws like')
    parser.add_argument('--size', type=int, default=512, metavar='PX', help='side of the mask (default: 512)')
    parser.add_argument('--repeats', type=int, default=10, metavar='N', help='timed rounds of each (default: 10)')
    parser.set_defaults(job=masks)


def masks(arguments: argparse.Namespace) -> None:
    """Time the mask generators."""
    from benchmarks.masks import benchmark_masks

    print(benchmark_masks(arguments.size, arguments.repeats))


def _add_clean(jobs: argparse._SubParsersAction) -> None:
    parser = jobs.add_parser('clean', help='UMAP and HDBSCAN through the cleaning tool, and called directly')
    parser.add_argument('--images', type=int, default=30_000, metavar='N', help='embeddings (default: 30000)')
    parser.add_argument('--dimensions', type=int, default=512, metavar='D', help='of an embedding (default: 512)')
    parser.add_argument('--seeds', type=int, default=0, metavar='N', help='seeds of the stability test (default: 0)')
    parser.add_argument('--repeats', type=int, default=3, metavar='N', help='of both fits, in turns (default: 3)')
    parser.set_defaults(job=clean)


def clean(arguments: argparse.Namespace) -> None:
    """Time a cleaning run's judgment."""
    from benchmarks.clean import benchmark_clean

    print(benchmark_clean(arguments.images, arguments.dimensions, arguments.seeds, arguments.repeats))


def _add_infer(jobs: argparse._SubParsersAction) -> None:
    parser = jobs.add_parser('infer', help="restoring files against the networks' forward passes alone")
    parser.add_argument('--config', default='configs/unetpp_cbam_b4.py', metavar='CONFIG', help='whose networks')
    parser.add_argument('--size', type=int, default=512, metavar='PX', help='side of the photographs (default: 512)')
    parser.add_argument('--images', type=int, default=8, metavar='N', help='photographs (default: 8)')
    parser.add_argument('--batch-size', type=int, default=4, metavar='N', help='photographs at once (default: 4)')
    parser.add_argument('--repeats', type=int, default=5, metavar='N', help='timed runs of each (default: 5)')
    parser.add_argument('--megapixels', type=int, default=0, metavar='N', help='restore one of this size, too')
    parser.add_argument('--device', choices=('auto', 'cpu', 'cuda'), default='auto')
    parser.set_defaults(job=infer)


def infer(arguments: argparse.Namespace) -> None:
    """Time restoring."""
    from benchmarks.infer import benchmark_infer

    print(benchmark_infer(**_options(arguments)))


def _add_loader(jobs: argparse._SubParsersAction) -> None:
    parser = jobs.add_parser('loader', help='photographs that a core makes ready, against what GPUs could take')
    parser.add_argument('photos', nargs='?', metavar='DIR', help='default: those that installed packages carry')
    parser.add_argument('--photo-size', type=int, default=512, metavar='PX', help='of the files (default: 512)')
    parser.add_argument('--images', type=int, default=24, metavar='N', help='photographs (default: 24)')
    parser.set_defaults(job=loader)


def loader(arguments: argparse.Namespace) -> None:
    """Time loading, and count FLOPs."""
    from benchmarks.loader import benchmark_loader

    print(benchmark_loader(**_options(arguments)))


def _add_gpu(jobs: argparse._SubParsersAction) -> None:
    parts = ('correctness', 'training', 'scoring', 'restoring')
    parser = jobs.add_parser('gpu', help='everything on a GPU, in about ten minutes: correctness, speed, a page')
    parser.add_argument('--out', required=True, metavar='DIR', help='results; what is there already is kept')
    parser.add_argument('--photos', metavar='DIR', help='photographs (default: those that installed packages carry)')
    parser.add_argument('--parts', nargs='+', choices=parts, default=parts, metavar='PART', help=', '.join(parts))
    parser.add_argument('--scale', choices=('full', 'small'), default='full', help='small: to try the command out')
    parser.add_argument('--device', choices=('cuda', 'cpu'), default='cuda', help='cpu: to try the command out')
    parser.add_argument('--batch-size', type=int, metavar='N', help='photographs per training step (default: 8)')
    parser.set_defaults(job=gpu)


def gpu(arguments: argparse.Namespace) -> None:
    """Measure everything, and write the page."""
    from benchmarks.gpu import benchmark_gpu

    benchmark_gpu(**_options(arguments))


def _options(arguments: argparse.Namespace, *besides: str) -> dict[str, Any]:
    """What a job is given by name: what was typed, but for what says which job, and `besides`."""
    return {key: value for key, value in vars(arguments).items() if key not in ('job', 'name', *besides)}


if __name__ == '__main__':
    sys.exit(main())
