"""Finds shipped files from any working folder, in a checkout and in an installed copy. Standard library only."""

import difflib
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
# The checkout, or the folder of installed packages.
REPOSITORY = _PACKAGE.parent
# A wheel carries the configs inside the package, a checkout has them beside it.
CONFIGS = _PACKAGE / 'configs' if (_PACKAGE / 'configs').is_dir() else REPOSITORY / 'configs'
# The command-line tools, likewise.
TOOLS = _PACKAGE / 'tools' if (_PACKAGE / 'tools').is_dir() else REPOSITORY / 'tools'
MODEL_FILE = '.safetensors'  # what `tools/export.py` writes
# What runs call the resolved config that they keep. A file of this name is read and never run.
RUN_CONFIG = 'config.py'
# What `huefill` calls the tools that it calls otherwise than their files.
CALLED = {'clean_data': 'clean', 'infer': 'restore'}


def command(tool: str) -> str:
    """What a person types for a tool: `python tools/train.py` in a checkout, `huefill train` elsewhere."""
    return f'python tools/{tool}.py' if TOOLS.parent == REPOSITORY else f'huefill {CALLED.get(tool, tool)}'


def find_config(name: str, shipped_first: bool = False) -> Path:
    """A config file by what a person types: a path from the working folder, or the name of a shipped config.

    The shipped ones are found from any working folder, with or without `configs/` in front and `.py` behind. A run
    folder stands for the `config.py` in it.

    Args:
        name: what was typed.
        shipped_first: look for a shipped one first; for names that shipped configs give. A folder that somebody sent
            may have a file of such a name, and a person who works in it did not ask for that.

    Raises:
        FileNotFoundError: with the nearest shipped name.
    """
    given = Path(name).expanduser()
    shipped = CONFIGS / (given.relative_to('configs') if given.parts[:1] == ('configs',) else given)
    candidates = (shipped, given) if shipped_first else (given, shipped)
    if (given / RUN_CONFIG).is_file():
        return given.resolve() / RUN_CONFIG  # under this name, whatever it may be a link to
    for candidate in candidates:
        for path in (candidate, Path(f'{candidate}.py')):
            if path.is_file():
                return path.parent.resolve() / path.name if path.name == RUN_CONFIG else path.resolve()
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
