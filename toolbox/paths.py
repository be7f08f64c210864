"""Finds shipped files from any working folder, in a checkout and in an installed copy. Standard library only."""

import difflib
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# The checkout, or the folder of installed packages.
REPOSITORY = _PACKAGE.parent
# A wheel carries the configs inside the package, a checkout has them beside it.
CONFIGS = _PACKAGE / 'configs' if (_PACKAGE / 'configs').is_dir() else REPOSITORY / 'configs'


def find_config(name: str) -> Path:
    """A config file by what a person types: a path from the working folder, or the name of a shipped config.

    The shipped ones are found from any working folder, with or without `configs/` in front and `.py` behind. A run
    folder stands for the `config.py` in it.

    Raises:
        FileNotFoundError: with the nearest shipped name.
    """
    given = Path(name).expanduser()
    if (given / 'config.py').is_file():
        return (given / 'config.py').resolve()
    shipped = CONFIGS / (given.relative_to('configs') if given.parts[:1] == ('configs',) else given)
    for candidate in (given, shipped):
        for path in (candidate, Path(f'{candidate}.py')):
            if path.is_file():
                return path.resolve()
    raise FileNotFoundError(_not_found(given))


def _not_found(given: Path) -> str:
    known = {
        path.relative_to(CONFIGS).with_suffix('').as_posix(): f'configs/{path.relative_to(CONFIGS).as_posix()}'
        for path in sorted(CONFIGS.rglob('*.py'))
        if '_base_' not in path.parts
    }
    typed = given.with_suffix('') if given.suffix == '.py' else given
    near = difflib.get_close_matches(typed.as_posix().removeprefix('configs/'), known, n=1, cutoff=0.5)
    hint = f'; did you mean {known[near[0]]}?' if near else '.'
    return f'no config {given}{hint} Shipped: {", ".join(known.values()) or "none"}'
