"""Write a trained model as one small file: `python tools/export.py CHECKPOINT --out model.safetensors`."""

import argparse
import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # not tools/, whose files would shadow packages

from toolbox.config.options import add_trust_option
from toolbox.system.cli import parse, run_tool
from toolbox.system.paths import command

EXAMPLES = f"""examples:
  %(prog)s work_dirs/restorer_lite0/001 --out restorer.safetensors
  {command('infer')} restorer.safetensors --input photos --out restored
"""


def build_parser(prog: str | None = None) -> argparse.ArgumentParser:
    """The command line; `prog` is what a person types for it."""
    parser = argparse.ArgumentParser(
        prog=prog or command('export'),
        description="A checkpoint's networks in half precision with their config and scores, as one safetensors file "
        'that all tools take as a checkpoint.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help='a best.pth or last.pth, or a run folder')
    parser.add_argument('--out', required=True, metavar='FILE.safetensors', help='a new file')
    add_trust_option(parser, 'the checkpoint')
    return parser


def parse_arguments(argv: list[str] | None, prog: str | None = None) -> argparse.Namespace:
    """What was typed, checked."""
    parser = build_parser(prog)
    return parse(parser, argv)


def main(argv: list[str] | None = None, prog: str | None = None) -> int:
    """Export; returns the exit code. What was typed is checked before torch is imported."""
    arguments = parse_arguments(argv, prog)
    return run_tool(lambda: run(arguments))


def run(arguments: argparse.Namespace) -> None:
    """Check, then write."""
    from toolbox.infer.export import export

    print(export(arguments.checkpoint, arguments.out, arguments.trust_plugins))


if __name__ == '__main__':
    sys.exit(main())
