"""The score's inner loops, once for CPUs and once for GPUs; imported when the first image comes.

Both modules offer ``mean_ssim(x, y, window, c1, c2) -> float`` and ``hue_counts(image) -> int64 (180,)``, and know no
edge rule: their callers see to it that every quotient is defined.
"""

from types import ModuleType

import torch


def kernels_for(device: torch.device) -> ModuleType:
    """The module for tensors on `device`."""
    if device.type == 'cuda':
        from toolbox.scoring.kernels import cuda

        return cuda
    from toolbox.scoring.kernels import cpu

    return cpu
