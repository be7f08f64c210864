"""What a training says before it begins and when it has ended."""

from pathlib import Path

import torch
from mmengine.config import Config

from toolbox.data.splits import Split
from toolbox.system.paths import command
from toolbox.training.run_folder import trust_option
from toolbox.training.trainer import Trainer


def plan(config: Config, split: Split, trainer: Trainer) -> str:
    """One paragraph that says what will happen."""
    data = config.data
    parameters = sum(parameter.numel() for parameter in trainer.model.layout.parameters())
    root = (
        data.root
        if data.root is not None
        else 'bundled sample photographs (reduced scale; for your own: --data-root DIR)'
    )
    threads = f'CPU ({torch.get_num_threads()} threads)'
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else threads
    cleaning = f'cleaned by {split.cleaning}\n' if split.cleaning else ''
    cleaning += f'passed over: {split.passed_over}\n' if split.passed_over else ''
    return (
        f'data: {root}\n{cleaning}'
        f'{len(split.training)} photos train, {len(split.validation)} validate ({split.validates}), '
        f'{data.size} px, batch {data.batch_size}; {parameters / 1e6:.1f} M parameters on {device}; '
        f'at most {trainer.max_epochs} epochs of {len(trainer.training)} steps in {trainer.model.trains_in}; '
        f'best.pth and last.pth go to {trainer.folder}'
    )


def ending(config: Config, folder: Path) -> str:
    """Where the result is, and what to type next."""
    lines = [
        f'result: {folder}  (best.pth, metrics.json, scalars.jsonl, pictures in samples/)',
        f'score it again: {command("test")} {folder}{trust_option(config)}',
    ]
    if config.data.root is None:
        lines.append(
            'this was the sample scale; for real data add --data-root DIR: photographs, or the competition folder'
        )
    return '\n'.join(lines)
