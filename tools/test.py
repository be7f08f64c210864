"""Score a trained model: `python tools/test.py configs/unetpp_cbam_b4.py [CHECKPOINT]`."""

import argparse
import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # not tools/, whose files would shadow packages

from toolbox.cli import run_tool
from toolbox.options import ParseOptions


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description='Score a trained model on its validation photographs, or on others.',
        epilog='example: python tools/test.py configs/unetpp_cbam_b4.py --json score.json',
    )
    parser.add_argument('config', help='config file or run folder; without CHECKPOINT its newest best.pth is scored')
    parser.add_argument('checkpoint', nargs='?', help='a best.pth or last.pth; it carries its own resolved config')
    parser.add_argument(
        '--data-root', metavar='DIR', help='where the photographs lie, if not where they were in training'
    )
    parser.add_argument('--json', metavar='FILE', help='write the score, its parts and a row per image')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ParseOptions, metavar='K=V', help="values in place of the config's"
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Score; returns the exit code. What was typed is checked before torch is imported."""
    arguments = parse_arguments(argv)
    return run_tool(lambda: run(arguments))


def run(arguments: argparse.Namespace) -> None:
    """Check paths, then score the model and print a table."""
    from toolbox.data.sources import check_data_root
    from toolbox.paths import find_config

    find_config(arguments.config)
    if arguments.checkpoint is not None and not Path(arguments.checkpoint).is_file():
        raise FileNotFoundError(f'no checkpoint {arguments.checkpoint}')
    if arguments.data_root is not None:
        check_data_root(arguments.data_root)

    from toolbox.apis.run_folder import write_json
    from toolbox.apis.test import print_score, score_model

    scored = score_model(arguments.config, arguments.checkpoint, arguments.data_root, arguments.cfg_options)
    print_score(scored)
    if arguments.json:
        write_json(Path(arguments.json), scored.as_json())


if __name__ == '__main__':
    sys.exit(main())
