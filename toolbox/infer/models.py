"""What `huefill models` says of the models that come with an installation."""

from pathlib import Path
from typing import Any

from toolbox.models import shipped_model
from toolbox.system.paths import command
from toolbox.training.checkpoint import read_checkpoint
from toolbox.training.load_model import checkpoint_config


def describe_models() -> str:
    """Each model's file, networks, training and scores, and how to use it.

    Raises:
        FileNotFoundError, ValueError: a file is missing or damaged.
    """
    return '\n\n'.join(_described(path) for path in [shipped_model()])


def model_card(path: Path) -> dict[str, Any]:
    """What a person wants to know of a checkpoint: its `name`, `networks` and training (`trained`) in words, `metrics`.

    Raises:
        FileNotFoundError, ValueError: it is missing or damaged.
    """
    content = read_checkpoint(path)
    config = checkpoint_config(content, path)
    model, parameters = config.model, sum(value.numel() for value in content['model'].values())
    return {
        'name': path.stem,
        'networks': f'{model.layout.type} on {model.encoder.get("name", model.encoder.type)}, '
        f'{parameters / 1e6:.1f} M parameters',
        'trained': f'{content["step"]:,} steps of {config.data.batch_size} photographs',
        'metrics': {name: value for name, value in content['metrics'].items() if isinstance(value, float)},
    }


def _described(path: Path) -> str:
    card = model_card(path)
    scores = ', '.join(f'{name} {value:.4f}' for name, value in card['metrics'].items())
    return '\n'.join(
        [
            card['name'],
            f'  file      {path} ({path.stat().st_size / 1e6:.1f} MB)',
            f'  networks  {card["networks"]}',
            f'  trained   {card["trained"]}',
            f'  scores    {scores}',
            f'  use       {command("infer")} --input old.jpg --out restored',
            f'  go on     {command("train")} configs/{path.stem}.py --data-root photos --cfg-options '
            'model.weights=shipped optimizer.lr=2e-4',
        ]
    )
