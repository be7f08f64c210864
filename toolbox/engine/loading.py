"""From a checkpoint back to the model that it was saved from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from toolbox.config import apply_options, config_from_text
from toolbox.engine.checkpoint import read_checkpoint
from toolbox.engine.model import RestorationModel
from toolbox.schema import complete


def load_model(
    checkpoint: Path, options: Mapping[str, Any] | None = None
) -> tuple[RestorationModel, Config, dict[str, Any]]:
    """A model as it was trained, in eval mode, with its resolved config and the checkpoint's further values.

    Args:
        checkpoint: a file.
        options: values by dotted path, in place of those of the checkpoint's config.

    Raises:
        FileNotFoundError, ValueError: no such checkpoint, one that cannot be loaded, or options that do not fit.
    """
    content = read_checkpoint(checkpoint)
    config = checkpoint_config(content, options)
    return build_model(config, content['model']), config, content


def checkpoint_config(content: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> Config:
    """The resolved config in a checkpoint's content, with options by dotted path in place of its own values.

    Raises:
        ValueError: options that do not fit.
    """
    config = config_from_text(content['config'])
    if options:
        apply_options(config, options)
        complete(config)
    return config


def build_model(config: Config, state: Mapping[str, Any]) -> RestorationModel:
    """The model of a resolved config with a checkpoint's weights (its `model`), in eval mode.

    Raises:
        ValueError: the config's networks are not those that the weights are of.
    """
    model = RestorationModel(config.model, config.precision, to_train=False)
    try:
        model.layout.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(_other_networks(model.layout.state_dict(), state)) from error
    return model.eval()


def _other_networks(expected: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """How weights differ from those of the networks that a config describes: how many, and a few by name."""
    shapes = [{key: tuple(value.shape) for key, value in weights.items()} for weights in (expected, given)]
    missing, surplus = ([key for key in one if key not in other] for one, other in (shapes, shapes[::-1]))
    other = [key for key in shapes[0] if key in shapes[1] and shapes[0][key] != shapes[1][key]]
    parts = [
        f'{len(keys)} {words} ({", ".join(keys[:3])}{", ..." if len(keys) > 3 else ""})'
        for keys, words in ((missing, 'are missing'), (surplus, 'are surplus'), (other, 'have other shapes'))
        if keys
    ]
    return (
        f'the weights are of other networks than `model` in the config describes: of {len(expected)} tensors '
        f'{", ".join(parts)}; leave model.encoder, attention, decoder and layout as they were trained'
    )
