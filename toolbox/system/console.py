"""The command `huefill`: the tools by name, from a checkout or an installed wheel."""

import argparse
import importlib.util
import os
import sys
from types import ModuleType

import toolbox
from toolbox.system.cli import USAGE_ERROR
from toolbox.system.paths import CALLED, TOOLS
from toolbox.system.words import did_you_mean

# In the order in which a person meets them: what is typed, and what it does.
COMMANDS = {
    'restore': 'fill the holes of gray photographs and color them',
    'web': 'a page in the browser that restores photographs',
    'train': 'train a restorer',
    'test': 'score a trained model, or submissions to the leaderboard',
    'ablate': 'compare parts by experiment',
    'clean': 'find duplicates and outliers of a data set',
    'plugins': 'list the swappable parts, show one, start a new one, check contracts',
    'export': 'write a trained model as one small file',
    'models': 'the models that come with this installation',
    'benchmark': 'measure speed on this machine',
    'doctor': 'what this installation and this machine have, and what is missing',
}
_FILES = {name: tool for tool, name in CALLED.items()}


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns its exit code. Only the tool that is asked for is imported."""
    argv = sys.argv[1:] if argv is None else argv
    if '_ARGCOMPLETE' in os.environ:
        from toolbox.system.completion import complete

        complete(build_parser(whole=True))
    if not argv or argv[0].startswith('-'):
        parser = build_parser()
        parser.parse_args(argv)  # ends with --help, --version, and what is none of them
        parser.print_help()
        return USAGE_ERROR
    name = CALLED.get(argv[0], argv[0])  # `huefill infer` is understood, too
    if name not in COMMANDS:
        print(f'error: huefill has no command {argv[0]!r}{did_you_mean(argv[0], COMMANDS)}', file=sys.stderr)
        return USAGE_ERROR
    return load_tool(name).main(argv[1:], prog=f'huefill {name}')


def build_parser(whole: bool = False) -> argparse.ArgumentParser:
    """The command line.

    Args:
        whole: with the arguments of all commands, for shells that complete them.
    """
    listed = '\n'.join(f'  {name:<11}{about}' for name, about in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog='huefill',
        description='Restore damaged gray photographs, and find out by experiment which parts do that best.',
        epilog=f'commands:\n{listed}\n\n'
        'huefill COMMAND --help shows what a command takes. Completion in bash and zsh:\n'
        '  eval "$(register-python-argcomplete huefill)"',
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage='huefill COMMAND ...',
    )
    parser.add_argument('--version', action='version', version=f'huefill {toolbox.__version__}')
    if whole:
        commands = parser.add_subparsers()
        for name in COMMANDS:
            arguments = load_tool(name).build_parser(f'huefill {name}')
            commands.add_parser(name, parents=[arguments], add_help=False, conflict_handler='resolve')
    return parser


def load_tool(name: str) -> ModuleType:
    """The module of a command. Tools are files, and no package: `tools` is a name that any project may have."""
    file = TOOLS / f'{_FILES.get(name, name)}.py'
    spec = importlib.util.spec_from_file_location(f'huefill_{file.stem}', file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == '__main__':
    sys.exit(main())
