"""Finds shipped files from any working folder, in a checkout and in an installed copy. Standard library only."""

import difflib
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# The checkout, or the folder of installed packages.
REPOSITORY = _PACKAGE.parent
# A checkout has configs/ beside toolbox/; a wheel carries them inside it.
CONFIGS = REPOSITORY / 'configs' if (REPOSITORY / 'configs').is_dir() else _PACKAGE / 'configs'


def find_config(name: str) -> Path:
    """A config file by what a person types: a path from the working folder, or the name of a shipped config.

    The shipped ones are found from any working folder, with or without `configs/` in front and `.py` behind.

    Raises:
        FileNotFoundError: with the nearest shipped name.
    """
    given = Path(name).expanduser()
    if given.is_dir() and (given / 'config.py').is_file():
        return given / 'config.py'  # a run folder
    shipped = CONFIGS / given.relative_to('configs') if given.parts[:1] == ('configs',) else CONFIGS / given
    for candidate in (given, shipped):
        for path in (candidate, candidate.with_name(candidate.name + '.py')):
            if path.is_file():
                return path.resolve()
    known = sorted(str(Path('configs') / path.relative_to(CONFIGS)) for path in CONFIGS.rglob('*.py') if path.parent.name != '_base_')
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f'; did you mean {near[0]}?' if near else '.'
    raise FileNotFoundError(f'no config {name}{hint} Shipped: {", ".join(known)}')
