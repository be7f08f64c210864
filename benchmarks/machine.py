"""What a figure was measured on, in words."""

import platform
from pathlib import Path


def cpu_name() -> str:
    """The processor's name, as far as the system tells it."""
    information = Path('/proc/cpuinfo')
    if information.is_file():
        for line in information.read_text(encoding='utf-8').splitlines():
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()
