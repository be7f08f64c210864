"""Train a restorer: `python tools/train.py configs/unetpp_cbam_b4.py [--data-root DIR]`."""

import argparse
import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # not tools/, whose files would shadow packages

from toolbox.config.options import ParseOptions, add_trust_option
from toolbox.system.cli import parse, refuse_together, run_tool
from toolbox.system.paths import command


def build_parser(prog: str | None = None) -> argparse.ArgumentParser:
    """The command line; `prog` is what a person types for it."""
    parser = argparse.ArgumentParser(
        prog=prog or command('train'),
        description='Train a restorer. Without --data-root it trains on bundled sample photographs at a reduced scale.',
        epilog='example: %(prog)s configs/unetpp_cbam_b4.py --data-root photos --cfg-options seed=1',
    )
    parser.add_argument('config', nargs='?', help='config file, found from any working folder')
    parser.add_argument('--data-root', metavar='DIR', help="folder of photographs, or the competition's folder")
    parser.add_argument('--work-dir', metavar='DIR', help='run folder (default: a new one in work_dirs/<config>/)')
    parser.add_argument('--fold', metavar='N|all', help='the fold that validates, or all of them in turn (default: 0)')
    parser.add_argument('--seed', type=int, metavar='N', help="seed of everything drawn (default: the config's)")
    parser.add_argument('--resume', action='store_true', help='go on from last.pth of --work-dir, or of the newest run')
    parser.add_argument(
        '--list',
        action='store_true',
        help='list the runs below work_dirs/ (or --work-dir), of CONFIG if given, and end',
    )
    parser.add_argument('--launcher', choices=('none', 'pytorch', 'slurm', 'mpi'), default='none')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ParseOptions,
        metavar='K=V',
        help="values in place of the config's, e.g. model.attention.type=SE optimizer.lr=1e-3",
    )
    add_trust_option(parser, 'a run folder, given as CONFIG,')
    return parser


def parse_arguments(argv: list[str] | None, prog: str | None = None) -> argparse.Namespace:
    """What was typed, checked."""
    parser = build_parser(prog)
    arguments = parse(parser, argv)
    if arguments.config is None and not arguments.list:
        parser.error('give a config, or --list')
    if arguments.list:
        unused = 'data_root fold seed resume launcher cfg_options trust_plugins'
        refuse_together(parser, arguments, 'beside --list, which trains nothing', unused)
    if arguments.fold is not None and arguments.fold != 'all' and not arguments.fold.isdigit():
        parser.error(f'--fold {arguments.fold}: expected a number or all')
    for name, key in (('data_root', 'data.root'), ('seed', 'seed'), ('fold', 'fold')):
        if key in (arguments.cfg_options or {}):
            refuse_together(parser, arguments, f'beside --cfg-options {key}=..., which says the same', name)
    return arguments


def main(argv: list[str] | None = None, prog: str | None = None) -> int:
    """Train; returns the exit code. What was typed is checked before torch is imported."""
    arguments = parse_arguments(argv, prog)
    return run_tool(lambda: list_runs(arguments) if arguments.list else run(arguments))


def list_runs(arguments: argparse.Namespace) -> None:
    """Print what runs there are."""
    from toolbox.system.paths import find_config
    from toolbox.training.runs import WORK_DIRS, find_runs, runs_table

    runs = find_runs(Path(arguments.work_dir or WORK_DIRS))
    if arguments.config is not None:
        stem = find_config(arguments.config).stem
        runs = [run for run in runs if run.folder.parent.name in (stem, f'{stem}-sample')]
    print(runs_table(runs) if runs else f'no runs of {arguments.config}')


def run(arguments: argparse.Namespace) -> None:
    """Check paths, then train."""
    from toolbox.data.sources import check_data_root
    from toolbox.system.paths import find_config

    find_config(arguments.config)
    if arguments.data_root is not None:
        check_data_root(arguments.data_root)

    from toolbox.experiment.all_folds import train_folds
    from toolbox.training.train import train

    train(
        arguments.config,
        train_folds,
        data_root=arguments.data_root,
        work_dir=arguments.work_dir,
        fold=arguments.fold,
        seed=arguments.seed,
        resume=arguments.resume,
        launcher=arguments.launcher,
        options=arguments.cfg_options,
        trust_plugins=arguments.trust_plugins,
    )


if __name__ == '__main__':
    sys.exit(main())
