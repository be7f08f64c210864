"""Weight averaging: several checkpoints of one architecture as one model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from toolbox.infer.ensemble_weights import Weights, shares, validation_score
from toolbox.training.checkpoint import read_checkpoint
from toolbox.training.load_model import checkpoint_config


def average_checkpoints(
    checkpoints: Sequence[str | Path], weights: Weights = None, trust_plugins: bool = False
) -> dict[str, Any]:
    """The weighted mean of the weights of checkpoints, as a checkpoint with the config of the first.

    One pass through one model instead of several; worthwhile for checkpoints of one run, or of runs that began with the
    same weights (Izmailov et al., Averaging Weights Leads to Wider Optima, 2018; Wortsman et al., Model Soups, 2022).
    Models trained from different beginnings have no common mean: average their predictions. The statistics of batch
    normalization are averaged, not measured anew. One checkpoint is in memory at a time; sums are in double precision.

    Args:
        checkpoints: files that `tools/train.py` wrote.
        weights: see `toolbox.infer.ensemble_weights.shares`.
        trust_plugins: import what their configs list as `custom_imports`.

    Returns:
        A checkpoint's content, for `toolbox.training.checkpoint.save_checkpoint`; without metrics, nobody measured it.

    Raises:
        FileNotFoundError, ValueError: not a checkpoint, or not of one architecture.
    """
    if not checkpoints:
        raise ValueError('no checkpoints to average: give at least one')
    scores = [_score(file, trust_plugins) if weights == 'score' else None for file in checkpoints]
    first = read_checkpoint(Path(checkpoints[0]))
    checkpoint_config(first, checkpoints[0], trust_plugins=trust_plugins)  # that of the mean
    sums: dict[str, Tensor] = {}
    for checkpoint, share in zip(checkpoints, shares(weights, scores, list(map(str, checkpoints))), strict=True):
        state = read_checkpoint(Path(checkpoint))['model']
        _check_same_shapes(first['model'], state, checkpoints[0], checkpoint)
        for name, value in state.items():
            if value.is_floating_point():
                term = value.double() * share
                sums[name] = sums[name] + term if name in sums else term
    model = {
        name: sums[name].to(value.dtype) if name in sums else value  # counters are those of the first
        for name, value in first['model'].items()
    }
    return {**first, 'model': model, 'metrics': {}}


def _score(checkpoint: str | Path, trust_plugins: bool) -> float | None:
    content = read_checkpoint(Path(checkpoint))
    return validation_score(content, checkpoint_config(content, checkpoint, trust_plugins=trust_plugins))


def _check_same_shapes(first: Mapping[str, Tensor], other: Mapping[str, Tensor], *names: str | Path) -> None:
    for key in [*first, *other]:
        shapes = [tuple(state[key].shape) if key in state else None for state in (first, other)]
        if shapes[0] != shapes[1]:
            here, there = ('absent' if shape is None else f'{shape}' for shape in shapes)
            raise ValueError(
                f'{names[1]} cannot be averaged with {names[0]}: {key} is {there}, expected {here}; weights average '
                'within one architecture, predictions (without --average-checkpoints) across any'
            )
