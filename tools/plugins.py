"""List plugins, show one, start a new one, check contracts: `python tools/plugins.py list`."""

import argparse
import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # not tools/, where this very file would shadow `plugins`

from toolbox.system.cli import parse, run_tool
from toolbox.system.paths import command


def build_parser(prog: str | None = None) -> argparse.ArgumentParser:
    """The command line; `prog` is what a person types for it."""
    parser = argparse.ArgumentParser(
        prog=prog or command('plugins'),
        description='The swappable parts: what there is, what it takes, how to add one.',
    )
    commands = parser.add_subparsers(dest='command', required=True)

    job = commands.add_parser('list', help='names, where from, one line each; what failed to import and why')
    job.add_argument('kind', nargs='?', metavar='KIND', help='only this kind, e.g. attention')

    job = commands.add_parser('show', help='signature, options with defaults and meaning, source')
    job.add_argument('kind', metavar='KIND', help='e.g. attention')
    job.add_argument('name', metavar='NAME', help='e.g. CBAM')

    job = commands.add_parser('new', help='write a part and its test from a template')
    job.add_argument('kind', metavar='KIND', help='e.g. attention')
    job.add_argument('name', metavar='NAME', help='name of the class, e.g. SharpEdges')

    job = commands.add_parser('check', help='check the contract of a kind; exit code 1 if it is violated')
    job.add_argument('kind', nargs='?', metavar='KIND', help='only this kind, e.g. attention')
    job.add_argument('name', nargs='?', metavar='NAME', help='only this plugin, e.g. CBAM')
    job.add_argument('--file', metavar='PATH', help='import this file first; alone, check what it registers')
    return parser


def parse_arguments(argv: list[str] | None, prog: str | None = None) -> argparse.Namespace:
    """What was typed, checked."""
    parser = build_parser(prog)
    return parse(parser, argv)


def main(argv: list[str] | None = None, prog: str | None = None) -> int:
    """Run a command; returns the exit code."""
    arguments = parse_arguments(argv, prog)
    return run_tool(lambda: run(arguments))


def run(arguments: argparse.Namespace) -> int:
    """Call what was asked for."""
    from toolbox.plugin import managing as plugins

    if arguments.command == 'list':
        print(plugins.list_plugins(arguments.kind))
    elif arguments.command == 'show':
        print(plugins.show_plugin(arguments.kind, arguments.name))
    elif arguments.command == 'new':
        print(plugins.new_plugin(arguments.kind, arguments.name))
    else:
        return int(plugins.check_plugins(arguments.kind, arguments.name, arguments.file) > 0)
    return 0


if __name__ == '__main__':
    sys.exit(main())
