"""Which device computes, and in which precision."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Besides `torch.OutOfMemoryError`: cuDNN's, cuBLAS's and others' allocations, the driver's, and torch's on CPU.
_OUT_OF_MEMORY = ('ALLOC_FAILED', 'ALLOCATION_FAILED', 'out of memory', "can't allocate memory")


def default_device() -> torch.device:
    """The GPU, where there is one; else the CPU."""
    return torch.device('cuda' if torch.cuda.is_available() else 'cpu')


def training_precision(precision: str, device: torch.device) -> str:
    """In what a training step computes on a device, by a config's `precision`: 'bf16' or 'float32'.

    'auto' trains in bf16 where units of their own multiply matrices of it: on GPUs from compute capability 8.0 on, and
    on CPUs with AMX. A run on a CPU measures its own network, as far as the CPU has instructions for it
    (`toolbox.training.precision`).
    """
    if precision != 'auto':
        return precision
    if device.type == 'cuda':
        return 'bf16' if torch.cuda.is_bf16_supported(including_emulation=False) else 'float32'
    return 'bf16' if device.type == 'cpu' and _cpu_capabilities().get('amx_bf16') else 'float32'


def has_bfloat16_instructions() -> bool:
    """Whether the CPU computes bfloat16 at all; others emulate it, many times as slowly."""
    return any(_cpu_capabilities().get(name) for name in ('amx_bf16', 'avx512_bf16'))


def kind_of_machine(device: torch.device) -> str:
    """What decides how fast a precision is: the GPU's name, or the CPU's instructions as torch knows them."""
    if device.type == 'cuda':
        return torch.cuda.get_device_name(device)
    return ' '.join(sorted(name for name, present in _cpu_capabilities().items() if present is True))


def _cpu_capabilities() -> dict[str, object]:
    return getattr(torch.cpu, 'get_capabilities', dict)()  # older versions of torch cannot tell


def prediction_precision(precision: str) -> str:
    """In what images are restored: bf16 only if asked for, since its rounding costs score (docs/benchmarks.md)."""
    return 'bf16' if precision == 'bf16' else 'float32'


@contextmanager
def without_tf32() -> Iterator[None]:
    """Within, GPUs compute float32 in float32, and the values agree with a CPU's up to rounding.

    For matrix products that is torch's default; for convolutions it is not.
    """
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    allowed = cudnn.allow_tf32, matmul.allow_tf32
    cudnn.allow_tf32 = matmul.allow_tf32 = False
    try:
        yield
    finally:
        cudnn.allow_tf32, matmul.allow_tf32 = allowed


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had: torch's own allocator raises one kind, libraries others."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _OUT_OF_MEMORY)
