"""What a figure was measured on, in words."""

import os
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


def machine_facts(device: str) -> dict[str, str]:
    """Names and versions of what computes, 'cpu' or 'cuda', for a report; there is a `GPU` on the latter alone."""
    import torch

    facts = {'processor': f'{cpu_name()}, {len(os.sched_getaffinity(0))} cores'}
    if device == 'cuda':
        properties = torch.cuda.get_device_properties(0)
        facts['GPU'] = f'{properties.name}, {properties.total_memory / 2**30:.0f} GiB'
        facts['GPUs'] = str(torch.cuda.device_count())
        facts['compute capability'] = f'{properties.major}.{properties.minor}'
        facts['CUDA, cuDNN'] = f'{torch.version.cuda}, {torch.backends.cudnn.version()}'
    return {**facts, 'torch': torch.__version__, 'Python': platform.python_version()}
