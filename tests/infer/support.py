"""Small models as checkpoints, and damaged photographs, for tests of restoring."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tests.support import RECIPE, TINY, scene
from toolbox.config.loading import config_data, load_config
from toolbox.config.options import parse_options
from toolbox.images.color import gray_from_rgb
from toolbox.infer.members import Member
from toolbox.plugin.types import Restored
from toolbox.training.checkpoint import save_checkpoint
from toolbox.training.model import RestorationModel

SMALL = [*TINY, 'model.decoder.type=Unet', 'model.decoder.decoder_channels=(16,16,16,12,8)']


def save_random_model(path: Path, *options: str, seed: int = 0, score: float | None = 0.5) -> Path:
    """A checkpoint of a tiny recipe with random weights."""
    config = load_config(RECIPE, parse_options([*SMALL, *options]), say=lambda _: None)
    torch.manual_seed(seed)
    model = RestorationModel(config.model, to_train=False)
    metrics = {} if score is None else {'score': score, 'ssim': 0.1}
    content = dict(config=config_data(config), data='', epoch=1, step=1, metrics=metrics)
    save_checkpoint({**content, 'model': model.layout.state_dict()}, path)
    return path


def damaged_scene(seed: int, height: int = 48, width: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """A gray picture with a rectangle of one value, and the rectangle's mask: uint8 (height, width) both."""
    gray = gray_from_rgb(scene(seed, height, width))
    mask = np.zeros_like(gray)
    mask[height // 4 : height // 2, width // 3 : 2 * width // 3] = 1
    return np.where(mask > 0, np.uint8(20 + seed), gray), mask


class LocalModel(nn.Module):
    """Colors from a neighborhood of `reach` pixels, on a grid of 8 pixels: what a model without global pooling does."""

    reach = 40

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.down = nn.Conv2d(2, 6, 8, stride=8)
        self.mix = nn.Conv2d(6, 6, 3, padding=1)
        self.up = nn.ConvTranspose2d(6, 3, 16, stride=8, padding=4)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.2, generator=generator)

    def restore(self, damaged: Tensor, mask: Tensor) -> Restored:
        """As `RestorationModel.restore`, for sides that are multiples of 8."""
        return Restored(self.up(torch.tanh(self.mix(self.down(torch.cat([damaged, mask], 1))))))


def member(model: nn.Module, weight: float = 1.0, size: int = 32, reduce: bool = False, multiple: int = 8) -> Member:
    """A model of any kind as a member of an ensemble."""
    config = load_config(
        RECIPE, parse_options([*SMALL, f'data.size={size}', f'data.reduce={reduce}']), say=lambda _: None
    )
    return Member('a model', weight, config, 'cpu', multiple, False, {}, model)
