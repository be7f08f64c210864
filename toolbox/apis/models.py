"""What `huefill models` says of the models that come with an installation."""

from pathlib import Path
from typing import Any

from toolbox.engine.checkpoint import read_checkpoint
from toolbox.models import shipped_model
from toolbox.paths import command


def describe_models() -> str:
    """Each model's file, networks, training and scores, and how to use it.

    Raises:
        FileNotFoundError, ValueError: a file is missing or damaged.
    """
    return '\n\n'.join(_described(path) for path in [shipped_model()])


def _described(path: Path) -> str:
    content = read_checkpoint(path)
    config: dict[str, Any] = content['config']
    model, parameters = config['model'], sum(value.numel() for value in content['model'].values())
    scores = ', '.join(f'{name} {value:.4f}' for name, value in content['metrics'].items() if isinstance(value, float))
    return '\n'.join(
        [
            path.stem,
            f'  file      {path} ({path.stat().st_size / 1e6:.1f} MB)',
            f'  networks  {model["layout"]["type"]} on {model["encoder"].get("name", model["encoder"]["type"])}, '
            f'{parameters / 1e6:.1f} M parameters',
            f'  trained   {content["step"]:,} steps of {config["data"]["batch_size"]} photographs',
            f'  scores    {scores}',
            f'  use       {command("infer")} --input old.jpg --out restored',
            f'  go on     {command("train")} configs/{path.stem}.py --data-root photos --cfg-options '
            'model.weights=shipped optimizer.lr=2e-4',
        ]
    )
