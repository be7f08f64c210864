"""How torch computes: fast, or the same in each run; and how the process keeps its memory."""

import ctypes
import os
import sys

import torch


def set_backend(deterministic: bool, tf32: bool) -> None:
    """Choose between torch's fastest kernels and its repeatable ones, which matters on CUDA alone, and keep memory.

    Args:
        deterministic: take kernels that give the same result in each run, and warn where there is none. Without it,
            kernels are chosen by timing them.
        tf32: matrix products and convolutions of float32 with 10 bits of mantissa on GPUs that have the units, in
            training; `RestorationModel` restores without.
    """
    keep_freed_memory()
    if deterministic:
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # read when CUDA starts
    if deterministic != torch.are_deterministic_algorithms_enabled():  # the call imports torch's compiler
        torch.use_deterministic_algorithms(deterministic, warn_only=True)
    torch.backends.cudnn.benchmark = not deterministic
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32


def keep_freed_memory() -> None:
    """Let the C library keep what a step frees for the next one.

    By default glibc gives large blocks back at once, and the system hands out each page anew, filled with zeros: more
    than a third of the time of a training step on CPU, and of restoring (docs/benchmarks.md). The most that was needed
    stays reserved.
    """
    if not sys.platform.startswith('linux'):
        return
    adjust = getattr(ctypes.CDLL(None), 'mallopt', None)  # musl has none
    if adjust is not None:
        trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h
        adjust(trim_threshold, -1)  # never
        adjust(mmap_threshold, 2**30)
