"""Pretrained weights: found in a cache, fetched from a hub that answers, or read from a file that is safe to read."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from toolbox.nn.tensor_files import load_tree

# A hub that has not answered by then is taken for unreachable; its client would go on trying for a minute.
_PATIENCE_SECONDS = 5

# Checkpoints of training scripts keep the weights under one of these keys, averaged ones first.
_WRAPPERS = ('state_dict_ema', 'model_ema', 'state_dict', 'model')

# The way out of an unreachable hub that costs the pretraining.
TRAIN_WITHOUT = 'weights=None             train without pretrained weights (model.encoder.weights=None)'

_OTHER_WEIGHTS = 'Give a file of this very architecture, or weights=None'


def hub_file(repo_id: str, filenames: Sequence[str], revision: str | None = None, without: str = TRAIN_WITHOUT) -> Path:
    """The first of `filenames` that a Hugging Face repository has, as a local file.

    A file in the local cache is returned without touching the network. Else the hub (`HF_ENDPOINT`, proxies and
    `HF_HUB_OFFLINE` as huggingface_hub reads them) must answer within five seconds, before the download begins.

    Args:
        repo_id, filenames, revision: what is wanted.
        without: how to do without these weights, for the error.

    Raises:
        ConnectionError: no cached file, and the hub cannot be used; names the ways out.
        FileNotFoundError: the repository has no such file.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    for filename in filenames:
        cached = try_to_load_from_cache(repo_id, filename, revision=revision)
        if isinstance(cached, str):
            return Path(cached)
    reason = _why_unusable(repo_id, filenames[0], revision)
    if reason:
        raise _unreachable(repo_id, filenames[0], revision, reason, without)
    for filename in filenames:
        try:
            return Path(hf_hub_download(repo_id, filename, revision=revision))
        except LocalEntryNotFoundError as error:  # what the client says when the connection breaks
            raise _unreachable(repo_id, filename, revision, str(error), without) from error
        except EntryNotFoundError:
            continue
        except OSError as error:  # among them all answers of the hub but success
            raise _unreachable(repo_id, filename, revision, str(error), without) from error
    raise FileNotFoundError(f'{repo_id} holds none of {", ".join(filenames)}; give weights=None, or the path of a file')


def read_weights(path: str | Path, sha256: str | None = None) -> dict[str, Tensor]:
    """Tensors by name from a .safetensors file, or from what `torch.save` wrote (.pth, .pt, .bin, ...).

    Nothing in the file is run. Checkpoints that keep the weights under `state_dict` or `model` are unwrapped, and the
    prefixes of data-parallel and compiled modules are taken off.

    Args:
        path: the file.
        sha256: its digest in hexadecimal, to be sure that it is the right one.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no path, a digest that differs, or a file that is damaged, holds no tensors or would run code.
    """
    if not isinstance(path, str | Path):
        raise ValueError(f"weights={path!r}: expected the path of a file, 'imagenet' to fetch them, or None")
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f"weights={str(path)!r}: no such file; give the path of a weight file, 'imagenet' to fetch them, or None"
        )
    if sha256 is not None:
        _check_digest(path, sha256)
    content = _load_safetensors(path) if path.suffix == '.safetensors' else _load_pickle(path)
    weights = {_bare(name): value for name, value in _unwrapped(content).items() if isinstance(value, Tensor)}
    if not weights:
        raise ValueError(f'weights={str(path)!r}: holds no tensors by name, but {_shown(content)}')
    return weights


def load_verified(load: Callable[[dict[str, Tensor]], nn.Module], weights: dict[str, Tensor], label: str) -> nn.Module:
    """A module filled with weights, all of it.

    Libraries load what fits and pass over the rest. So `load` is called twice: with every number replaced by NaN, which
    shows the tensors that the file reaches through all of a library's renaming and resizing, then with the weights.

    Args:
        load: takes tensors by name, returns the module that was given them.
        weights: tensors by name.
        label: says what is loaded into what, for errors.

    Raises:
        ValueError: a tensor of the module is not filled, or has another shape.
    """
    traces = {
        key: torch.full_like(value, torch.nan) if value.is_floating_point() else value for key, value in weights.items()
    }
    try:
        filled = load(traces).state_dict()
    except RuntimeError as error:  # torch's, about other shapes
        first, *others = [line.strip(' \t.') for line in str(error).splitlines()[1:]] or [str(error)]
        also = f' and {len(others)} more' if others else ''
        raise ValueError(f'{label}: these weights do not fit: {first}{also}. {_OTHER_WEIGHTS}') from error
    wanted = {key: value for key, value in filled.items() if value.is_floating_point()}
    missing = [key for key, value in wanted.items() if not value.isnan().all()]
    if missing:
        names = {_flat(key) for key in filled}
        homeless = [key for key in weights if _flat(key) not in names]
        surplus = f', first surplus one: {homeless[0]}' if homeless else ''
        raise ValueError(
            f'{label}: these weights do not fit: {len(wanted) - len(missing)} of {len(wanted)} tensors filled, '
            f'first one missing: {missing[0]}{surplus}. {_OTHER_WEIGHTS}'
        )
    return load(weights)


def _why_unusable(repo_id: str, filename: str, revision: str | None) -> str | None:
    """Why nothing can be fetched from the hub now; None if it answers."""
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.utils import get_session

    if constants.HF_HUB_OFFLINE:
        return 'HF_HUB_OFFLINE is set'
    answers: list[int | Exception] = []

    def ask() -> None:
        try:
            url = hf_hub_url(repo_id, filename, revision=revision, endpoint=constants.ENDPOINT)
            answers.append(get_session().head(url, timeout=_PATIENCE_SECONDS).status_code)
        except Exception as error:  # whatever the client's library raises is the reason that the person is told
            answers.append(error)

    # A thread, because looking up a name in a network that swallows packets heeds no timeout.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_PATIENCE_SECONDS)
    if not answers:
        return f'no answer within {_PATIENCE_SECONDS} s'
    if isinstance(answers[0], Exception):
        return f'{type(answers[0]).__name__}: {answers[0]}'
    return f'it answers with status {answers[0]}' if answers[0] >= 500 else None


def _unreachable(repo_id: str, filename: str, revision: str | None, reason: str, without: str) -> ConnectionError:
    from huggingface_hub import constants, hf_hub_url

    url = hf_hub_url(repo_id, filename, revision=revision, endpoint='https://huggingface.co')
    return ConnectionError(
        f'pretrained weights of {repo_id}: not in the local cache, and {constants.ENDPOINT} cannot be used ({reason}). '
        'Ways out:\n'
        f'  {without}\n'
        f'  weights=path/to/file     download {url} where there is a network, and give its path\n'
        '  HF_ENDPOINT=https://...  use a mirror; HTTPS_PROXY=... use a proxy\n'
        f'  HF_HOME=folder           use a cache that has the file (now {constants.HF_HUB_CACHE})'
    )


def _check_digest(path: Path, sha256: str) -> None:
    with path.open('rb') as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != sha256.strip().lower():
        raise ValueError(
            f'weights={str(path)!r}: sha256 is {digest.hexdigest()}, expected {sha256}; '
            'the file is damaged or another one: download it again, or correct sha256'
        )


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(
            f'weights={str(path)!r}: damaged, or no safetensors file ({error}); download it again'
        ) from error


def _load_pickle(path: Path) -> object:
    import pickle

    try:
        return load_tree(path)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f'weights={str(path)!r}: refused, because the file holds more than tensors and reading it could run code, '
            'or is no weight file at all; save its state_dict alone, or as .safetensors '
            f'({str(error).splitlines()[0]})'
        ) from error
    except Exception as error:  # a damaged pickle makes its reader raise anything
        raise ValueError(f'weights={str(path)!r}: damaged, or no weight file ({error}); download it again') from error


def _unwrapped(content: object) -> dict:
    if not isinstance(content, dict):
        return {}
    for key in _WRAPPERS:
        if isinstance(content.get(key), dict):
            return content[key]
    return content


def _bare(name: str) -> str:
    for prefix in ('_orig_mod.', 'module.', '_orig_mod.'):
        name = name.removeprefix(prefix)
    return name


def _flat(name: str) -> str:
    """timm makes `layers_0` of `layers.0` in models of features."""
    return name.replace('.', '_')


def _shown(content: object) -> str:
    if isinstance(content, dict):
        return f'the keys {", ".join(map(str, list(content)[:5])) or "of an empty dict"}'
    return f'a {type(content).__name__}'
