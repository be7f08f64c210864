"""How torch computes: fast, or the same in each run."""

import os

import torch


def set_backend(deterministic: bool, tf32: bool) -> None:
    """Choose between torch's fastest kernels and its repeatable ones; matters on CUDA alone.

    Args:
        deterministic: take kernels that give the same result in each run, and warn where there is none. Without it,
            kernels are chosen by timing them.
        tf32: matrix products and convolutions of float32 with 10 bits of mantissa on GPUs that have the units.
    """
    if deterministic:
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # read when CUDA starts
    if deterministic != torch.are_deterministic_algorithms_enabled():  # the call imports torch's compiler
        torch.use_deterministic_algorithms(deterministic, warn_only=True)
    torch.backends.cudnn.benchmark = not deterministic
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
