"""From a checkpoint back to the model that it was saved from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import Tensor

from toolbox.config.loading import config_from_data
from toolbox.models import shipped_model
from toolbox.nn.bounded import BoundedAllocation
from toolbox.training.checkpoint import read_checkpoint, size_in_bytes
from toolbox.training.model import RestorationModel

# What building a network takes, to its weights: libraries make classifiers, too, and leave them out.
_MAX_RATIO = 4
_SLACK_BYTES = 2**28


def load_model(
    checkpoint: Path, options: Mapping[str, Any] | None = None, trust_plugins: bool = False
) -> tuple[RestorationModel, Config, dict[str, Any]]:
    """A model as it was trained, in eval mode, with its resolved config and the checkpoint's further values.

    Args:
        checkpoint: a file.
        options: values by dotted path, in place of those of the checkpoint's config.
        trust_plugins: import what the checkpoint's config lists as `custom_imports`.

    Raises:
        FileNotFoundError, ValueError: no such checkpoint, one that cannot be loaded, or options that do not fit.
    """
    content = read_checkpoint(checkpoint)
    config = checkpoint_config(content, checkpoint, options, trust_plugins)
    return build_model(config, content['model']), config, content


def checkpoint_config(
    content: Mapping[str, Any],
    source: str | Path,
    options: Mapping[str, Any] | None = None,
    trust_plugins: bool = False,
) -> Config:
    """The resolved config in a checkpoint's content; nothing of it runs.

    Args:
        content: as `read_checkpoint` gives it.
        source: names the checkpoint in errors.
        options: values by dotted path in place of its own.
        trust_plugins: import what it lists as `custom_imports`.

    Raises:
        ValueError: no config, one that cannot be used here, plugins that nobody allowed, or options that do not fit.
    """
    if 'config' not in content or not isinstance(content.get('model'), Mapping):
        raise ValueError(f'{source}: holds no config or no weights; give the best.pth that training wrote')
    return config_from_data(content['config'], source, options, trust_plugins)


def build_model(config: Config, state: Mapping[str, Any]) -> RestorationModel:
    """The model of a resolved config with a checkpoint's weights (its `model`), in eval mode.

    Raises:
        ValueError: the config builds no networks, or others than those that the weights are of.
    """
    try:
        with BoundedAllocation(_MAX_RATIO * size_in_bytes(state) + _SLACK_BYTES):
            model = RestorationModel(config.model, config.precision, to_train=False)
    except (ValueError, OSError):
        raise
    except Exception as error:  # whatever parts raise for options that are none: the config came with data
        raise ValueError(f'`model` in the config builds no networks: {type(error).__name__}: {error}') from error
    _fill(model, state)
    return model.eval()


def model_to_train(config: Config) -> RestorationModel:
    """The model of a complete config as training starts with it: weights drawn at random, encoders with those of their
    `weights`, or all networks with those that `model.weights` names.

    Raises:
        ValueError, OSError: `model.weights` is no checkpoint, or one of other networks.
    """
    model = RestorationModel(config.model, config.precision)
    start = config.model.get('weights')
    if start is not None:
        path = shipped_model() if start == 'shipped' else Path(start).expanduser()
        try:
            _fill(model, read_checkpoint(path).get('model'))
        except OtherNetworks as error:
            raise OtherNetworks(f'model.weights={start!r}: {error}') from error
    return model


class OtherNetworks(ValueError):
    """Weights are of other networks than those that they were to fill."""


def _fill(model: RestorationModel, state: Any) -> None:
    layout = model.layout
    try:
        layout.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:  # other shapes; no tensors at all
        given = state if isinstance(state, Mapping) else {}
        raise OtherNetworks(_other_networks(layout.state_dict(), given, error)) from error


def _other_networks(expected: Mapping[str, Any], given: Mapping[str, Any], error: Exception) -> str:
    """How weights differ from those of the networks that a config describes: how many, and a few by name."""
    shapes = [{key: _shape(value) for key, value in weights.items()} for weights in (expected, given)]
    missing, surplus = ([key for key in one if key not in other] for one, other in (shapes, shapes[::-1]))
    other = [key for key in shapes[0] if key in shapes[1] and shapes[0][key] != shapes[1][key]]
    parts = [
        f'{len(keys)} {words} ({", ".join(map(str, keys[:3]))}{", ..." if len(keys) > 3 else ""})'
        for keys, words in ((missing, 'are missing'), (surplus, 'are surplus'), (other, 'have other shapes'))
        if keys
    ]
    return (
        f'the weights are of other networks than `model` in the config describes: of {len(expected)} tensors '
        f'{", ".join(parts) or error}; leave model.encoder, attention, decoder, stages and layout as they were trained'
    )


def _shape(value: Any) -> tuple[int, ...] | None:
    """Of a tensor; None: it is something else."""
    return tuple(value.shape) if isinstance(value, Tensor) else None
