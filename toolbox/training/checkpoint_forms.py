"""Whether the training state in a checkpoint is one that a run can go on from, found out before anything is changed.

A checkpoint whose checksum is right may still be none of a training: a best.pth that was renamed, one that another
program has written. What is looked at is the form, by what this run itself would save: keys, types and shapes.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from toolbox.training.random_state import random_state

# What `Trainer.save` writes into last.pth, beside what is there in some runs only.
_KEYS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(('config', 'model', 'metrics', 'best_score', 'guard', 'hooks', 'random'), Mapping),
    **dict.fromkeys(('optimizer', 'objective'), Mapping),
    'critics': (list, tuple),
    **dict.fromkeys(('epoch', 'step', 'batch', 'steps_per_epoch', 'parts'), int),
    'data': str,
}


def check_keys(content: Mapping[str, Any], path: Path) -> None:
    """Raise ValueError unless a checkpoint's content has all parts that a training leaves.

    Args:
        content: as `read_checkpoint` gives it.
        path: of the file, for the error.
    """
    missing = [key for key in _KEYS if key not in content]
    if missing:
        raise malformed(path, f'it has no {", ".join(missing)}')
    for key, kind in _KEYS.items():
        value = content[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise malformed(path, f'{key} is {describe_value(value)}')
        if isinstance(value, int) and value < 0:
            raise malformed(path, f'{key} is {value}')
    if content['batch'] > content['steps_per_epoch']:
        raise malformed(path, f'batch is {content["batch"]} of {content["steps_per_epoch"]} in an epoch')


def malformed(path: Path, what: str) -> ValueError:
    """The error about a checkpoint that nothing can be resumed from: what is wrong, and what to do."""
    return ValueError(
        f'{path} is no checkpoint to resume from: {what}. last.pth and previous.pth are, as training writes them; move '
        'this file away, and --resume goes on from the other one if it is there; or start anew with another --work-dir'
    )


def difference(value: Any, like: Any, name: str) -> str:
    """How a value has another form than one that it is to take the place of, in words; '' where it has the same.

    Forms are the same where mappings have the same keys, lists the same length, tensors the same shape and type, and
    numbers are numbers. An empty mapping or list, and None, stand for any of their kind.

    Args:
        value: from a file.
        like: what this run has in its place.
        name: of the value, for what is told.
    """
    if like is None:
        return '' if value is None or isinstance(value, int | float | str) else f'{name} is {describe_value(value)}'
    if isinstance(like, Tensor):
        same = isinstance(value, Tensor) and (value.shape, value.dtype) == (like.shape, like.dtype)
        return '' if same else f'{name} is {describe_value(value)} in place of {describe_value(like)}'
    if isinstance(like, Mapping):
        if not isinstance(value, Mapping):
            return f'{name} is {describe_value(value)}'
        if like and set(like) != set(value):
            odd = sorted(map(str, set(like) ^ set(value)))
            return f'{name} has other keys: {", ".join(odd[:5])}'
        return next(filter(None, (difference(value[key], like[key], f'{name}.{key}') for key in like)), '')
    if isinstance(like, list | tuple):
        if not isinstance(value, list | tuple):
            return f'{name} is {describe_value(value)}'
        if like and len(like) != len(value):
            return f'{name} has {len(value)} entries in place of {len(like)}'
        pairs = enumerate(zip(value, like, strict=True) if like else ())
        return next(filter(None, (difference(one, other, f'{name}.{index}') for index, (one, other) in pairs)), '')
    if isinstance(like, bool):
        return '' if value is None or isinstance(value, bool) else f'{name} is {describe_value(value)}'
    if isinstance(like, str):
        return '' if isinstance(value, str) else f'{name} is {describe_value(value)}'
    return '' if isinstance(value, int | float) else f'{name} is {describe_value(value)}'


def optimizer_difference(state: Any, optimizer: torch.optim.Optimizer, name: str) -> str:
    """How the state of an optimizer is none of this one's, in words; '' where it is.

    Args:
        state: from a file.
        optimizer: newly built.
        name: of the state, for what is told.
    """
    if not isinstance(state, Mapping) or not {'state', 'param_groups'} <= state.keys():
        return f'{name} is {describe_value(state)} without state and param_groups'
    groups = optimizer.state_dict()['param_groups']
    given = state['param_groups']
    if isinstance(given, list) and all(isinstance(group, Mapping) for group in given):
        # torch's schedulers leave a mark on groups; the trainer's leave none.
        given = [{key: value for key, value in group.items() if key != 'initial_lr'} for group in given]
    if told := difference(given, groups, f'{name}.param_groups'):
        return told
    if not isinstance(state['state'], Mapping):
        return f'{name}.state is {describe_value(state["state"])}'
    parameters = [parameter for group in optimizer.param_groups for parameter in group['params']]
    remembered: dict[tuple, Mapping[str, Any]] = {}
    for key, values in state['state'].items():
        if not isinstance(key, int) or not 0 <= key < len(parameters):
            return f'{name}.state has an entry {key!r}, for none of {len(parameters)} parameters'
        form = parameters[key].shape, parameters[key].dtype
        if form not in remembered:
            remembered[form] = _remembered(optimizer, parameters[key])
        if told := difference(values, remembered[form], f'{name}.state.{key}'):
            return told
    return ''


def random_difference(state: Any) -> str:
    """How random states are none of this process, in words; '' where they are."""
    own = random_state()
    cuda = state.get('cuda')
    if not isinstance(cuda, list | tuple) or not all(isinstance(one, Tensor) for one in cuda):
        return f'random.cuda is {describe_value(cuda)}'
    if told := difference({**state, 'cuda': []}, {**own, 'cuda': []}, 'random'):  # there may be other GPUs than then
        return told
    position, keys = state['numpy'][2], own['numpy'][1]
    return '' if 0 <= position <= len(keys) else f'random.numpy.2 is {position}'


def _remembered(optimizer: torch.optim.Optimizer, parameter: Tensor) -> Mapping[str, Any]:
    """What an optimizer of this kind keeps of a parameter of this shape: one that takes a step of zero says it."""
    known = inspect.signature(type(optimizer)).parameters
    options = {key: value for key, value in optimizer.param_groups[0].items() if key in known and key != 'params'}
    zero = nn.Parameter(torch.zeros_like(parameter))
    zero.grad = torch.zeros_like(zero)
    trial = type(optimizer)([zero], **options)
    trial.step()
    return trial.state[zero]


def describe_value(value: Any) -> str:
    """What kind of value it is, in words."""
    if isinstance(value, Tensor):
        return f'a tensor {tuple(value.shape)} of {str(value.dtype).removeprefix("torch.")}'
    return 'None' if value is None else f'a {type(value).__name__}'
