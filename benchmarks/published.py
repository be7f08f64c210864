"""The published recipe as plainly as a training script writes it: what `tools/benchmark.py train` compares with.

Two smp U-Net++ with EfficientNet-B4 encoders and CBAM on the deepest feature, photographs read by the training process,
holes by polygenerator, AdamW as torch builds it, float32, and a validation with skimage and OpenCV.
"""

import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.masks import published_polygon
from benchmarks.score import transcription


class PublishedRecipe:
    """Trains and validates on files.

    Args:
        files: photographs, enough for the steps that are timed.
        size: side of the images, px.
        batch_size: photographs per step.
        device: where to compute.
        encoder: smp's name of the encoder.
    """

    def __init__(self, files: Sequence[Path], size: int, batch_size: int, device: torch.device, encoder: str) -> None:
        self.device = device
        self.networks = nn.ModuleList([_network(encoder, 1), _network(encoder, 3)]).to(device)
        self.optimizer = torch.optim.AdamW(self.networks.parameters(), lr=1e-4)
        self.loader = DataLoader(_Photographs(files, size), batch_size, shuffle=True, drop_last=True)

    def train(self, steps: int) -> float:
        """Seconds that so many steps take."""
        self.networks.train()
        started = time.perf_counter()
        for _, (damaged, gray, rgb, _) in zip(range(steps), self.loader, strict=False):
            damaged, gray, rgb = damaged.to(self.device), gray.to(self.device), rgb.to(self.device)
            restored, color = self._restore(damaged)
            loss = sum(
                nn.functional.l1_loss(*pair) + nn.functional.mse_loss(*pair)
                for pair in ((restored, gray), (color, rgb))
            )
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            loss.item()  # for the progress bar
        return time.perf_counter() - started

    @torch.no_grad()
    def validate(self, batches: int) -> float:
        """Seconds that the validation of so many batches takes."""
        self.networks.eval()
        started = time.perf_counter()
        for _, (damaged, _, rgb, hole) in zip(range(batches), self.loader, strict=False):
            _, color = self._restore(damaged.to(self.device))
            predictions = (color.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
            truths = (rgb * 255).round().byte().permute(0, 2, 3, 1).numpy()
            for truth, prediction, mask in zip(truths, predictions, hole.numpy(), strict=True):
                transcription(truth, prediction, mask)
        return time.perf_counter() - started

    def _restore(self, damaged: Tensor) -> tuple[Tensor, Tensor]:
        restored = damaged + self.networks[0](damaged)
        return restored, self.networks[1](restored)


class _Photographs(Dataset):
    def __init__(self, files: Sequence[Path], size: int) -> None:
        self.files = files
        self.size = size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        photo = Image.open(self.files[index]).convert('RGB').resize((self.size, self.size))
        if random.random() < 0.5:
            photo = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        rgb, gray = np.asarray(photo, np.float32) / 255, np.asarray(photo.convert('L'), np.float32) / 255
        hole = published_polygon(self.size, self.size)[0]
        damaged = np.where(hole, np.float32(random.random()), gray)
        return damaged[None], gray[None], np.ascontiguousarray(rgb.transpose(2, 0, 1)), hole.astype(np.uint8)


class _CBAM(nn.Module):
    """Woo et al., CBAM: Convolutional Block Attention Module, 2018, section 3."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = channels // reduction
        self.channel = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, channels, 1))
        self.spatial = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.channel(x.mean((2, 3), keepdim=True)) + self.channel(x.amax((2, 3), keepdim=True))
        x = x * pooled.sigmoid()
        return x * self.spatial(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)).sigmoid()


def _network(encoder: str, classes: int) -> nn.Module:
    import segmentation_models_pytorch as smp

    class UnetPlusPlusCBAM(smp.UnetPlusPlus):
        def forward(self, x: Tensor) -> Tensor:
            features = self.encoder(x)
            features[-1] = self.attention(features[-1])
            return self.segmentation_head(self.decoder(features))

    network = UnetPlusPlusCBAM(encoder, encoder_weights=None, in_channels=1, classes=classes)
    network.attention = _CBAM(network.encoder.out_channels[-1])
    return network
