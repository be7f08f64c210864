"""Measure speed: `python tools/benchmark.py score|masks|clean`."""

import argparse
import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # not tools/, whose files would shadow packages

from toolbox.cli import run_tool


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """The command line; each subcommand sets the `job` that runs it."""
    parser = argparse.ArgumentParser(description='Measure how fast parts of the toolbox are, on this machine.')
    jobs = parser.add_subparsers(required=True, metavar='JOB')
    _add_score(jobs)
    _add_masks(jobs)
    _add_clean(jobs)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    arguments = parse_arguments(argv)
    return run_tool(lambda: arguments.job(arguments))


def _add_score(jobs: argparse._SubParsersAction) -> None:
    parser = jobs.add_parser('score', help="the leaderboard's score against its transcription with skimage and cv2")
    parser.add_argument('--size', type=int, default=512, metavar='PX', help='side of the image (default: 512)')
    parser.add_argument('--repeats', type=int, default=20, metavar='N', help='timed runs of each (default: 20)')
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu', help='cpu: one thread (default)')
    parser.set_defaults(job=score)


def score(arguments: argparse.Namespace) -> None:
    """Time the score."""
    from toolbox.apis.benchmark.score import benchmark_score

    print(benchmark_score(arguments.size, arguments.repeats, arguments.device))


def _add_masks(jobs: argparse._SubParsersAction) -> None:
    parser = jobs.add_parser('masks', help='the mask generators, and the code that RandomPolygon draws like')
    parser.add_argument('--size', type=int, default=512, metavar='PX', help='side of the mask (default: 512)')
    parser.add_argument('--repeats', type=int, default=10, metavar='N', help='timed rounds of each (default: 10)')
    parser.set_defaults(job=masks)


def masks(arguments: argparse.Namespace) -> None:
    """Time the mask generators."""
    from toolbox.apis.benchmark.masks import benchmark_masks

    print(benchmark_masks(arguments.size, arguments.repeats))


def _add_clean(jobs: argparse._SubParsersAction) -> None:
    parser = jobs.add_parser('clean', help='UMAP and HDBSCAN through the cleaning tool, and called directly')
    parser.add_argument('--images', type=int, default=30_000, metavar='N', help='embeddings (default: 30000)')
    parser.add_argument('--dimensions', type=int, default=512, metavar='D', help='of an embedding (default: 512)')
    parser.add_argument('--seeds', type=int, default=0, metavar='N', help='seeds of the stability test (default: 0)')
    parser.set_defaults(job=clean)


def clean(arguments: argparse.Namespace) -> None:
    """Time a cleaning run's judgment."""
    from toolbox.apis.benchmark.clean import benchmark_clean

    print(benchmark_clean(arguments.images, arguments.dimensions, arguments.seeds))


if __name__ == '__main__':
    sys.exit(main())
