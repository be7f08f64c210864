"""Clean a data set: `python tools/clean_data.py photos --out cleaned`."""

import argparse
import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # not tools/, whose files would shadow packages

from toolbox.config.options import ParseOptions, add_trust_option
from toolbox.system.cli import parse, run_tool
from toolbox.system.paths import command

DEFAULT = 'configs/cleaning/clip_umap_hdbscan.py'
EXAMPLES = """examples:
  %(prog)s photos --out cleaned
  %(prog)s photos --out cleaned --config configs/cleaning/color_texture.py
  %(prog)s photos --out cleaned --cfg-options embedder.type=ColorTexture detector.type=KNNDistance
"""


def build_parser(prog: str | None = None) -> argparse.ArgumentParser:
    """The command line; `prog` is what a person types for it."""
    parser = argparse.ArgumentParser(
        prog=prog or command('clean_data'),
        description='Look at every file of a data set, group duplicates, find what does not belong, write it all down.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('root', metavar='DIR', help="folder of photographs, or the competition's folder")
    parser.add_argument(
        '--out', metavar='DIR', required=True, help='clean.csv, report.html, and what makes a rerun quick'
    )
    parser.add_argument('--config', metavar='FILE|DIR', help=f'or a cleaned folder (default: {DEFAULT})')
    parser.add_argument(
        '--ray',
        metavar='local|ADDRESS',
        help="embed on all GPUs of this machine, or on a Ray cluster (pip install '.[ray]')",
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ParseOptions,
        metavar='K=V',
        help="values in place of the config's, e.g. embedder.type=ColorTexture duplicates.max_bits=4",
    )
    add_trust_option(parser, 'a cleaned folder, given as --config,')
    return parser


def parse_arguments(argv: list[str] | None, prog: str | None = None) -> argparse.Namespace:
    """What was typed, checked."""
    parser = build_parser(prog)
    return parse(parser, argv)


def main(argv: list[str] | None = None, prog: str | None = None) -> int:
    """Clean; returns the exit code. What was typed is checked before torch is imported."""
    arguments = parse_arguments(argv, prog)
    return run_tool(lambda: run(arguments))


def run(arguments: argparse.Namespace) -> None:
    """Check paths, then clean."""
    from toolbox.data.sources import check_data_root
    from toolbox.system.paths import find_config

    config = arguments.config or str(find_config(DEFAULT, shipped_first=True))
    find_config(config)
    check_data_root(arguments.root)

    from toolbox.cleaning.clean import clean
    from toolbox.report.cleaning import write_cleaning_report

    clean(
        arguments.root,
        arguments.out,
        config,
        write_cleaning_report,
        arguments.cfg_options,
        arguments.ray,
        trust_plugins=arguments.trust_plugins,
    )


if __name__ == '__main__':
    sys.exit(main())
