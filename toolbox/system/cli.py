"""What the command-line tools share: how an error is shown, and which exit code it gives."""

import argparse
import atexit
import io
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from toolbox.system.bars import end_bars
from toolbox.system.disk_errors import REPAIRS, NotWritten
from toolbox.system.interruption import Stopped
from toolbox.system.names import beyond_locale
from toolbox.system.words import without_addresses

USAGE_ERROR = 2
SOME_FAILED = 3  # the job ended, some of its files are listed as failed
INTERRUPTED = 130
NOBODY_READS = 141  # as shells count SIGPIPE

_FOLDERS = ('toolbox', 'plugins', 'benchmarks', 'tools')
_OWN_CODE = tuple(str(Path(__file__).resolve().parents[2] / folder) + os.sep for folder in _FOLDERS)
# What a terminal obeys; errors show names of files, and in files, that come from anybody.
_OBEYED = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)], '?')
# What a person can cause. Raised by our own code, these carry their repair.
_EXPECTED = (OSError, ValueError)


def parse(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line; values that are empty, as those of a shell's unset variables are, are refused."""
    arguments = parser.parse_args(argv)
    for name, value in vars(arguments).items():
        if value == '' or (isinstance(value, list) and '' in value):
            parser.error(f'{name.replace("_", "-")}: the value is empty; is a variable not set?')
    return arguments


def refuse_together(parser: argparse.ArgumentParser, arguments: argparse.Namespace, why: str, names: str) -> None:
    """End with a usage error if any of these arguments was given: it would be ignored.

    Args:
        why: beside what, in words.
        names: of arguments, as `arguments` has them, with spaces between.
    """
    values = {name: getattr(arguments, name) for name in names.split()}
    given = [  # 0 is a value, though it equals False
        name
        for name, value in values.items()
        if value is not None and value is not False and value != parser.get_default(name)
    ]
    if given:
        shown = ', '.join(f'--{name.replace("_", "-")}' for name in given)
        parser.error(f'{shown}: not used {why}; leave it out')


def run_tool(job: Callable[[], int | None]) -> int:
    """Run a tool's job and return its exit code.

    An error that our own code raised for a person, or the system about a file, is shown as its message alone; anything
    else is a defect and keeps its traceback. `HUEFILL_TRACEBACK=1` shows the traceback always. Where nobody reads any
    more what is printed, as behind `| head`, the tool ends without a word.
    """
    _show_any_name()
    try:
        _have_a_home()
        code = job() or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _print_to_nobody()
        return NOBODY_READS
    except Stopped as stop:
        _say_on_own_line(str(stop))
        return stop.exit_code
    except KeyboardInterrupt:
        _say_on_own_line('interrupted')
        return INTERRUPTED
    except _EXPECTED as error:
        end_bars()
        raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
        of_a_file = isinstance(error, OSError) and not isinstance(error, NotWritten) and bool(error.strerror)
        is_ours = os.path.abspath(raised_in).startswith(_OWN_CODE)
        is_of_locale = isinstance(error, UnicodeEncodeError) and sys.getfilesystemencoding() != 'utf-8'
        is_ours = is_ours or is_of_locale or isinstance(error, NotWritten)
        if os.environ.get('HUEFILL_TRACEBACK') or not (is_ours or (of_a_file and error.filename is not None)):
            raise
        message = beyond_locale() if is_of_locale else _about_file(error) if of_a_file else str(error)
        print(f'error: {without_addresses(message).translate(_OBEYED)}', file=sys.stderr)
        return USAGE_ERROR


def _about_file(error: OSError) -> str:
    """What the system says of a file, if it says of which, and what to do."""
    path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes | os.PathLike) else error.filename
    repair = REPAIRS.get(error.errno, 'look at this path, or give another')
    return f'{error.strerror}; {repair}' if path is None else f'{path}: {error.strerror}; {repair}'


def _have_a_home() -> None:
    """A user without a home, as containers run their programs by, gets one until the process ends: libraries look for
    a folder for their caches when they are imported, and some of them raise where there is none.
    """
    if os.path.isabs(os.path.expanduser('~')):
        return
    home, owner = tempfile.mkdtemp(prefix='huefill-'), os.getpid()
    os.environ['HOME'] = home

    def remove() -> None:
        if os.getpid() == owner:
            shutil.rmtree(home, ignore_errors=True)

    atexit.register(remove)


def _show_any_name() -> None:
    """Names of files that are no text, or none that the terminal's encoding has, are shown escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')


def _print_to_nobody() -> None:
    """Else Python complains about the closed pipe once more when it ends."""
    with open(os.devnull, 'w', encoding='utf-8') as nobody:
        try:
            os.dup2(nobody.fileno(), sys.stdout.fileno())
        except (OSError, ValueError):  # stdout is no file of the system's
            sys.stdout = open(os.devnull, 'w', encoding='utf-8')  # noqa: SIM115 - until the process ends


def _say_on_own_line(text: str) -> None:
    """On stderr, below a bar that was cut short, or below the ^C that a terminal shows."""
    if not end_bars() and sys.stderr.isatty():
        print(file=sys.stderr)
    print(text, file=sys.stderr)
