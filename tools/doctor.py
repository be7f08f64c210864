"""What this installation and this machine have, and what is missing: `huefill doctor`."""

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
        prog=prog or command('doctor'),
        description='Versions, devices, memory, disk, weights, plugins and optional packages, and what to type where '
        'something is missing. Exit code 1 if something that is needed is missing.',
    )


def main(argv: list[str] | None = None, prog: str | None = None) -> int:
    """Look and print; returns the exit code."""
    parse(build_parser(prog), argv)
    return run_tool(run)


def run() -> int:
    """Look at everything."""
    from toolbox.report.doctor import examine

    report, is_well = examine()
    print(report)
    return 0 if is_well else 1


if __name__ == '__main__':
    sys.exit(main())
