"""Model files: what a checkpoint holds for restoring, in half precision, as one safetensors file.

The tensors are the networks'; the header holds the resolved config, the scores and a digest as JSON. Nothing in it can
run. `toolbox.training.checkpoint.read_checkpoint` reads it like every other checkpoint.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolbox.training.checksum import checksum

_KEY = 'huefill'
_KEPT = ('config', 'data', 'epoch', 'step', 'metrics')
# Where photographs and weights lay is nobody's business, and means nothing elsewhere.
_ELSEWHERE = {'data': ('root', 'val_root'), 'model': ('weights',)}


def model_file_bytes(content: Mapping[str, Any]) -> bytes:
    """A checkpoint's content as the bytes of a model file.

    Args:
        content: as `read_checkpoint` gives it, its config as plain values.
    """
    from safetensors.torch import save

    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in sorted(content['model'].items())
    }
    rest = {key: content[key] for key in _KEPT}
    forgotten = {section: {**rest['config'][section], **dict.fromkeys(keys)} for section, keys in _ELSEWHERE.items()}
    rest['config'] = {**rest['config'], **forgotten, 'clean_csv': None}
    rest = json.loads(json.dumps(rest))
    header = {**rest, 'checksum': checksum({'model': tensors, **rest})}
    return save(tensors, metadata={_KEY: json.dumps(header)})


def read_model_file(path: Path) -> dict[str, Any]:
    """The content of a checkpoint from a model file; floating-point tensors as float32.

    Raises:
        ValueError: it is damaged, or not one of ours.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework='pt') as file:
            header = (file.metadata() or {}).get(_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise ValueError(f'{path}: damaged or no model file: {error}') from error
    if header is None:
        raise ValueError(f'{path}: weights without a config; give the best.pth that training wrote, or a model file')
    try:
        rest = json.loads(header)
        expected = rest.pop('checksum')
        if set(rest) != set(_KEPT):
            raise ValueError(f'its header has the keys {", ".join(map(str, rest))}')
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f'{path}: damaged or no model file: {type(error).__name__}: {error}') from error
    # The order of the tensors in a file is the library's; the digest's is by name.
    if expected != checksum({'model': dict(sorted(tensors.items())), **rest}):
        raise ValueError(f'{path}: damaged: its content does not have the checksum that was written with it')
    floats = {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
    return {'model': floats, **rest}
