"""A network that describes images by vectors: run in batches of one size, identified by its weights."""

import hashlib
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn


@torch.inference_mode()
def embed_images(
    describe: Callable[[Tensor], Tensor], prepared: np.ndarray, batch_size: int, device: torch.device
) -> np.ndarray:
    """Unit vectors of images, the same for an image whatever images come with it.

    Matrix products are rounded otherwise for other shapes. So the last batch is filled up with zeros.

    Args:
        describe: (batch_size, 3, H, W) on the device -> (batch_size, D); in half precision on CUDA.
        prepared: (N, 3, H, W) float32, as the network wants it.
        batch_size: images at once.
        device: where the network is.

    Returns:
        (N, D) float32 of length 1.
    """
    vectors = []
    for start in range(0, len(prepared), batch_size):
        images = torch.from_numpy(prepared[start : start + batch_size])
        filled = torch.zeros(batch_size, *images.shape[1:])
        filled[: len(images)] = images
        with torch.autocast(device.type, torch.float16, enabled=device.type == 'cuda'):
            described = describe(filled.to(device))
        unit = nn.functional.normalize(described.float(), dim=1)
        vectors.append(unit[: len(images)].cpu().numpy())
    return np.concatenate(vectors)


def weights_digest(network: nn.Module) -> str:
    """SHA-256 over the names and values of all parameters and buffers, 16 digits: where they came from is forgotten."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f'{name} {tuple(value.shape)} {value.dtype}'.encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:16]
