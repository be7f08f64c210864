"""What an experiment was: the code, the packages, the photographs, the command."""

import ast
import functools
import hashlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from toolbox.system.files import write_text
from toolbox.system.paths import REPOSITORY

# Where a training begins: what this imports, directly or not, decides what the training comes to; and the plugins do.
_ENTRY = 'toolbox/training/train.py'
# A change of one of these may change every number.
_DECISIVE = ('torch', 'timm', 'segmentation-models-pytorch', 'mmengine', 'albumentations', 'numpy', 'scipy', 'pillow')


def code_version(custom: Iterable[str] = ()) -> str:
    """A digest of the code that decides what a training comes to, equal in a checkout and an installed copy.

    That is all plugins, and every module of the project that they or a training import (`imported_files`).

    Args:
        custom: further plugin files.
    """
    digest = hashlib.sha256()
    plugins = sorted((REPOSITORY / 'plugins').rglob('*.py'))
    for file in imported_files([REPOSITORY / _ENTRY, *plugins]):
        digest.update(f'{file.relative_to(REPOSITORY).as_posix()}\0'.encode() + file.read_bytes())
    for name in sorted(custom):
        if name.endswith('.py'):
            digest.update(Path(name).read_bytes())
    for package in _DECISIVE:
        digest.update(f'{package} {metadata.version(package)}\0'.encode())
    return digest.hexdigest()[:12]


def imported_files(files: Iterable[Path]) -> list[Path]:
    """Files of the project, and all that they import from it, at once or inside functions, directly or not; sorted."""
    waiting, found = list(files), set()
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found.add(file)
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f'{node.module}.{alias.name}' for alias in node.names)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            waiting += filter(None, map(_file_of, names))
    return sorted(found)


def _file_of(module: str) -> Path | None:
    """The file of a module of the project; None for other modules, and for names in a module."""
    if module.partition('.')[0] not in ('toolbox', 'plugins'):
        return None
    path = REPOSITORY / module.replace('.', '/')
    return next((file for file in (path.with_suffix('.py'), path / '__init__.py') if file.is_file()), None)


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
        ask_git('rev-parse', 'HEAD')  # which says what is wrong; `git diff` compares files where there is no checkout
        return ask_git('diff', 'HEAD')
    except NoAnswer as answer:
        return f'# not known: {answer}\n'


class NoAnswer(ValueError):
    """Git does not tell about the code, and says why."""


def ask_git(*arguments: str) -> str:
    """What git prints about the checkout that the code is from.

    Raises:
        NoAnswer: it is no checkout, or git does not tell, as about one of another user.
    """
    if not (REPOSITORY / '.git').exists():
        raise NoAnswer(f'{REPOSITORY} has no .git: an installed copy, or a part of a checkout')
    try:
        answer = subprocess.run(
            ['git', '-C', str(REPOSITORY), *arguments],
            capture_output=True,
            encoding='utf-8',
            errors='replace',
            env={**os.environ, 'LC_ALL': 'C'},
        )
    except OSError as error:
        raise NoAnswer(f'git cannot be run: {error.strerror}') from error
    if answer.returncode:
        said = ' '.join(answer.stderr.split())
        raise NoAnswer(f'git: {said}' if said else f'git {arguments[0]} ended with {answer.returncode}')
    return answer.stdout


def commit() -> str | None:
    """The repository's commit, marked where the code differs from it; None where it is not known (`why_no_commit`)."""
    return code_commit()['commit']


def why_no_commit() -> str | None:
    """Why the commit is not known, in git's words; None where it is."""
    return code_commit().get('why_no_commit')


def code_commit() -> dict[str, str | None]:
    """`commit` and, where it is not known, `why_no_commit`, for a record."""
    try:
        commit, changed = ask_git('rev-parse', 'HEAD').strip(), ask_git('status', '--porcelain').strip()
    except NoAnswer as answer:
        return dict(commit=None, why_no_commit=str(answer))
    return dict(commit=commit + ('-changed' if changed else ''))
