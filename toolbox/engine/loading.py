"""From a checkpoint back to the model that it was saved from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from toolbox.config import config_from_text
from toolbox.engine.checkpoint import read_checkpoint
from toolbox.engine.model import RestorationModel


def load_model(checkpoint: Path) -> tuple[RestorationModel, Config, dict[str, Any]]:
    """A model as it was trained, in eval mode, with its resolved config and the checkpoint's further values.

    Raises:
        FileNotFoundError, ValueError: no such checkpoint, or one that cannot be loaded.
    """
    content = read_checkpoint(checkpoint)
    config = config_from_text(content['config'])
    return build_model(config, content['model']), config, content


def build_model(config: Config, state: Mapping[str, Any]) -> RestorationModel:
    """The model of a resolved config with a checkpoint's weights (its `model`), in eval mode."""
    model = RestorationModel(config.model, config.precision, to_train=False)
    model.layout.load_state_dict(state)
    return model.eval()
