"""A page in the browser for a person with a photograph: `huefill web`."""

import argparse
import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # not tools/, whose files would shadow packages

from toolbox.system.cli import parse, run_tool
from toolbox.system.paths import command


def build_parser(prog: str | None = None) -> argparse.ArgumentParser:
    """The command line; `prog` is what a person types for it."""
    parser = argparse.ArgumentParser(
        prog=prog or command('web'),
        description='Serve a page on which a person restores photographs: drop one, look at the hole, restore, '
        "compare, download. Nothing leaves this computer. Needs Gradio: pip install 'huefill[web]'.",
    )
    parser.add_argument(
        'checkpoints',
        nargs='*',
        metavar='CHECKPOINT',
        help='files or run folders to offer beside the shipped model; several also as one ensemble',
    )
    parser.add_argument(
        '--host', default='127.0.0.1', help='address to serve at (default: 127.0.0.1, for this computer alone)'
    )
    parser.add_argument('--port', type=_port, default=7860, help='(default: 7860; 0 for any that is free)')
    parser.add_argument('--device', choices=('auto', 'cpu', 'cuda'), default='auto', help='(default: auto)')
    parser.add_argument(
        '--auth', type=_auth, metavar='USER:PASSWORD', help='ask for this name and password (default: for none)'
    )
    return parser


def main(argv: list[str] | None = None, prog: str | None = None) -> int:
    """Serve until Ctrl-C; returns the exit code. What was typed is checked before torch is imported."""
    arguments = parse(build_parser(prog), argv)
    return run_tool(lambda: run(arguments))


def run(arguments: argparse.Namespace) -> None:
    """Serve the page."""
    from toolbox.web.server import WebRequest, serve

    serve(WebRequest(**vars(arguments)))


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f'{text}: expected a whole number from 0 to 65535')
    return int(text)


def _auth(text: str) -> tuple[str, str]:
    user, colon, password = text.partition(':')
    if not (user and colon and password):
        raise argparse.ArgumentTypeError('expected a name and a password with a colon between them')
    return user, password


if __name__ == '__main__':
    sys.exit(main())
