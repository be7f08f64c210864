"""The models that come with this installation: `huefill models`."""

import argparse
import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # not tools/, whose files would shadow packages

from toolbox.system.cli import parse, run_tool
from toolbox.system.paths import command


def build_parser(prog: str | None = None) -> argparse.ArgumentParser:
    """The command line; `prog` is what a person types for it."""
    return argparse.ArgumentParser(
        prog=prog or command('models'),
        description='The models that come with this installation: where they lie, how they were trained, what they '
        'score. Each is a checkpoint like any other.',
    )


def main(argv: list[str] | None = None, prog: str | None = None) -> int:
    """Print them; returns the exit code."""
    parse(build_parser(prog), argv)
    return run_tool(run)


def run() -> None:
    """Read their files."""
    from toolbox.infer.models import describe_models

    print(describe_models())


if __name__ == '__main__':
    sys.exit(main())
