"""Writes a trained model as one small file."""

from pathlib import Path

from toolbox.config import config_data
from toolbox.engine.checkpoint import save_model_file
from toolbox.engine.loading import load_model


def export(checkpoint: Path, out: Path, trust_plugins: bool = False) -> str:
    """Write a checkpoint's networks, in half precision, with its config and scores (`toolbox.engine.model_file`).

    Args:
        checkpoint: a file.
        out: the model file.
        trust_plugins: import what the checkpoint's config lists as `custom_imports`.

    Returns:
        What was written, in words.

    Raises:
        FileNotFoundError, ValueError, OSError: the checkpoint cannot be used, or the file not be written.
    """
    model, config, content = load_model(checkpoint, trust_plugins=trust_plugins)
    save_model_file({**content, 'config': config_data(config)}, out)
    parameters = sum(parameter.numel() for parameter in model.layout.parameters())
    return f'{out}: {parameters / 1e6:.1f} M parameters, {out.stat().st_size / 1e6:.1f} MB'
