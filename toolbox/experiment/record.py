"""What an experiment was: the code, the packages, the photographs, the command."""

import functools
import hashlib
import shlex
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from toolbox.files import write_text
from toolbox.paths import REPOSITORY

# Code that has no part in what a training comes to.
_ASIDE = ('report', 'templates', 'checks', 'cleaning', 'experiment', 'apis')
# A change of one of these may change every number.
_DECISIVE = ('torch', 'timm', 'segmentation-models-pytorch', 'mmengine', 'albumentations', 'numpy', 'scipy', 'pillow')


def code_version(custom: Iterable[str] = ()) -> str:
    """A digest of the code that decides what a training comes to, equal in a checkout and an installed copy.

    Args:
        custom: further plugin files.
    """
    digest = hashlib.sha256()
    for package in ('toolbox', 'plugins'):
        folder = REPOSITORY / package
        for file in sorted(folder.rglob('*.py')):
            place = file.relative_to(folder)
            if package == 'toolbox' and place.parts[0] in _ASIDE:
                continue
            digest.update(f'{package}/{place.as_posix()}\0'.encode() + file.read_bytes())
    for name in sorted(custom):
        if name.endswith('.py'):
            digest.update(Path(name).read_bytes())
    for package in _DECISIVE:
        digest.update(f'{package} {metadata.version(package)}\0'.encode())
    return digest.hexdigest()[:12]


def command() -> str:
    """What was typed."""
    return shlex.join([Path(sys.executable).name, *sys.argv])


def write_record(folder: Path) -> None:
    """Write packages.txt, as `pip freeze` lists them, and code.diff, what the checkout differs in from its commit."""
    packages = sorted({f'{package.name}=={package.version}' for package in metadata.distributions()}, key=str.lower)
    write_text(folder / 'packages.txt', '\n'.join(packages) + '\n')
    write_text(folder / 'code.diff', _diff())


@functools.cache  # the same for all trials of a start
def _diff() -> str:
    try:
        return subprocess.run(
            ['git', '-C', str(REPOSITORY), 'diff', 'HEAD'], capture_output=True, text=True, check=True, errors='replace'
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return ''  # an installed copy has no commit to differ from
