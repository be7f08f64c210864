"""What stands in a terminal: bars, what is said when they are cut short, and tables."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

from toolbox.system.tables import aligned, score_table

CUT_SHORT = """
import signal, sys
from toolbox.system.bars import bar
from toolbox.system.cli import run_tool
from toolbox.system.interruption import Stopped
how = sys.argv[1]
error = {'stopped': Stopped('saved', signal.SIGTERM), 'interrupted': KeyboardInterrupt()}[how]
def job():
    shown = bar(10, 'photo', 'restoring', done=2)
    shown.update(3)
    shown.refresh()
    raise error
sys.exit(run_tool(job))
"""
LAST_WORDS = {'stopped': ('saved', 143), 'interrupted': ('interrupted', 130)}


def on_a_terminal(*command: str) -> tuple[str, int]:
    """What a command prints on a terminal of its own, and its exit code."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 100, 0, 0))
    process = subprocess.Popen(command, stdin=side, stdout=side, stderr=side, cwd=os.getcwd())
    os.close(side)
    printed = b''
    try:
        while part := os.read(main, 4096):
            printed += part
    except OSError:  # Linux says so that nobody writes any more
        pass
    os.close(main)
    return printed.decode(), process.wait()


@pytest.mark.parametrize('how', LAST_WORDS)
def test_what_is_said_last_stands_below_the_bar(how):
    printed, code = on_a_terminal(sys.executable, '-c', CUT_SHORT, how)
    *_, shown, last = printed.rstrip().split('\r\n')
    assert (last, code) == LAST_WORDS[how]
    assert '5/10' in shown
    assert 'restoring' in shown
    assert 'photo/s' in shown or 's/photo' in shown


def test_bars_are_for_terminals():
    done = subprocess.run([sys.executable, '-c', CUT_SHORT, 'stopped'], capture_output=True, text=True)
    assert done.stderr == 'saved\n'


def test_a_table_as_wide_as_it_may_be_stays_one():
    rows = [('a name', *(f'{number:.4f}' for number in range(5)))]
    shown = aligned(('', *'abcde'), rows, width=80)
    assert [len(line) for line in shown.splitlines()] == [46, 46]


def test_a_long_name_goes_on_below_its_numbers():
    path = '/home/somebody/experiments/of/last/week/work_dirs/unetpp_cbam_b4/001/best.pth'
    shown = score_table({path: {'score': 0.5, 'ssim': 0.25}, 'gray': {'score': 0.125, 'ssim': 1.0}})
    assert shown.splitlines()[1].split() == [path, '0.5000', '0.2500']
    narrow = aligned(('', 'score', 'ssim'), [(path, '0.5', '0.25')], width=60).splitlines()
    assert max(map(len, narrow)) <= 60
    assert narrow[1].split()[1:] == ['0.5', '0.25']
    assert ''.join(line.split()[0] for line in narrow[1:]) == path


def test_columns_without_room_follow_below():
    names = [f'column {number}' for number in range(12)]
    shown = aligned(('arm', *names), [('one', *map(str, range(12)))], width=80)
    first, second = (block.splitlines() for block in shown.split('\n\n'))
    assert max(map(len, [*first, *second])) <= 80
    assert first[1].split() + second[1].split()[1:] == ['one', *map(str, range(12))]
    assert second[1].startswith('one')
