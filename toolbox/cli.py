"""What the command-line tools share: how an error is shown, and which exit code it gives."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from toolbox.bars import end_bars
from toolbox.interruption import Stopped

USAGE_ERROR = 2
SOME_FAILED = 3  # the job ended, some of its files are listed as failed
INTERRUPTED = 130

_OWN_CODE = tuple(
    str(Path(__file__).resolve().parents[1] / folder) + os.sep for folder in ('toolbox', 'plugins', 'tools')
)
# What a terminal obeys; errors show names of files, and in files, that come from anybody.
_OBEYED = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)], '?')
# What a person can cause. Raised by our own code, these carry their repair.
_EXPECTED = (OSError, ValueError)


def run_tool(job: Callable[[], int | None]) -> int:
    """Run a tool's job and return its exit code.

    An error that our own code raised for a person is shown as its message alone; anything else is a defect and keeps
    its traceback. `HUEFILL_TRACEBACK=1` shows the traceback always.
    """
    try:
        return job() or 0
    except Stopped as stop:
        _say_on_own_line(str(stop))
        return stop.exit_code
    except KeyboardInterrupt:
        _say_on_own_line('interrupted')
        return INTERRUPTED
    except _EXPECTED as error:
        end_bars()
        raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
        if os.environ.get('HUEFILL_TRACEBACK') or not os.path.abspath(raised_in).startswith(_OWN_CODE):
            raise
        print(f'error: {str(error).translate(_OBEYED)}', file=sys.stderr)
        return USAGE_ERROR


def _say_on_own_line(text: str) -> None:
    """On stderr, below a bar that was cut short, or below the ^C that a terminal shows."""
    if not end_bars() and sys.stderr.isatty():
        print(file=sys.stderr)
    print(text, file=sys.stderr)
