"""Compare arms: `python tools/ablate.py [configs/ablations/attention_layout.py] [--data-root DIR]`."""

import argparse
import sys
from pathlib import Path
from typing import Any

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # not tools/, whose files would shadow packages

from toolbox.config.options import ParseOptions, add_trust_option
from toolbox.system.cli import parse, refuse_together, run_tool
from toolbox.system.paths import command

DEFAULT = 'configs/ablations/attention_layout.py'


def build_parser(prog: str | None = None) -> argparse.ArgumentParser:
    """The command line; `prog` is what a person types for it."""
    parser = argparse.ArgumentParser(
        prog=prog or command('ablate'),
        description='Train every arm of an ablation on the same photographs, folds, damage and seeds, and say how sure '
        'the differences are. The same command goes on with what was interrupted.',
        epilog='example: %(prog)s configs/ablations/loss.py --data-root photos --seeds 0 1 2 --epochs 10',
    )
    parser.add_argument('ablation', nargs='?', help=f'config of axes (default: {DEFAULT})')
    parser.add_argument('--data-root', metavar='DIR', help="folder of photographs, or the competition's folder")
    parser.add_argument('--work-dir', metavar='DIR', help="the ablation's folder (default: work_dirs/<ablation>)")
    parser.add_argument('--seeds', type=int, nargs='+', metavar='N', help='each trains every arm')
    parser.add_argument('--folds', nargs='+', metavar='N|all', help='folds that validate in turn')
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument('--epochs', type=int, metavar='N', help='of a trial')
    budget.add_argument('--steps', type=int, metavar='N', help='of a trial')
    budget.add_argument('--minutes', type=float, metavar='M', help="of a trial's training steps")
    parser.add_argument('--workers', type=int, default=1, metavar='N', help='trials at a time on this machine')
    parser.add_argument('--ray', metavar='local|ADDRESS', help="run trials on Ray (pip install '.[ray]')")
    parser.add_argument('--rerun-failed', action='store_true', help='try once more what failed before')
    parser.add_argument('--on-fail', choices=('continue', 'stop'), default='continue', help='(default: continue)')
    parser.add_argument('--show', metavar='DIR', help="print the table of an ablation's folder, and run nothing")
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ParseOptions,
        metavar='K=V',
        help="values in place of the base config's, for all arms",
    )
    add_trust_option(parser, 'a run folder, named as a base config,')
    return parser


def parse_arguments(argv: list[str] | None, prog: str | None = None) -> argparse.Namespace:
    """What was typed, checked."""
    parser = build_parser(prog)
    arguments = parse(parser, argv)
    if arguments.show is not None:
        refuse_together(
            parser,
            arguments,
            'beside --show, which runs nothing',
            'data_root work_dir seeds folds epochs steps minutes workers ray rerun_failed on_fail cfg_options '
            'trust_plugins',
        )
    if arguments.ray is not None:
        refuse_together(
            parser, arguments, 'beside --ray, which starts as many trials as the cluster has room for', 'workers'
        )
    if arguments.workers < 1:
        parser.error(f'--workers {arguments.workers}: expected at least 1')
    if arguments.folds and arguments.folds != ['all'] and not all(fold.isdigit() for fold in arguments.folds):
        parser.error(f'--folds {" ".join(arguments.folds)}: expected numbers, or all')
    return arguments


def main(argv: list[str] | None = None, prog: str | None = None) -> int:
    """Compare; returns the exit code. What was typed is checked before torch is imported."""
    arguments = parse_arguments(argv, prog)
    return run_tool(lambda: run(arguments))


def run(arguments: argparse.Namespace) -> int:
    """Check paths, then compare."""
    if arguments.show is not None:
        from toolbox.experiment.outcome import show

        show(arguments.show)
        return 0
    from toolbox.data.sources import check_data_root
    from toolbox.system.paths import find_config

    ablation = arguments.ablation or str(find_config(DEFAULT, shipped_first=True))
    find_config(ablation)
    if arguments.data_root is not None:
        check_data_root(arguments.data_root)

    from toolbox.experiment.ablate import ablate
    from toolbox.report.ablation_page import write_page

    return ablate(
        ablation,
        write_page,
        data_root=arguments.data_root,
        work_dir=arguments.work_dir,
        options=arguments.cfg_options,
        settings=settings(arguments),
        workers=arguments.workers,
        ray=arguments.ray,
        rerun_failed=arguments.rerun_failed,
        stop_on_failure=arguments.on_fail == 'stop',
        trust_plugins=arguments.trust_plugins,
    )


def settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was typed in place of the ablation's own values."""
    chosen: dict[str, Any] = {}
    if arguments.seeds:
        chosen['seeds'] = arguments.seeds
    if arguments.folds:
        chosen['folds'] = 'all' if arguments.folds == ['all'] else [int(fold) for fold in arguments.folds]
    for unit in ('epochs', 'steps', 'minutes'):
        if getattr(arguments, unit) is not None:
            chosen['budget'] = {unit: getattr(arguments, unit)}
    return chosen


if __name__ == '__main__':
    sys.exit(main())
