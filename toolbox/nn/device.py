"""Which device computes, and in which precision."""

import torch


def default_device() -> torch.device:
    """The GPU, where there is one; else the CPU."""
    return torch.device('cuda' if torch.cuda.is_available() else 'cpu')


def resolve_precision(precision: str, device: torch.device) -> str:
    """What a config's `precision` means on a device: 'bf16' or 'float32'.

    'auto' is bf16 where units of their own multiply matrices of it: on GPUs from compute capability 8.0 on, and on CPUs
    with AMX. A CPU that has bfloat16 among its vector instructions alone was slower with it (docs/benchmarks.md).
    """
    if precision != 'auto':
        return precision
    if device.type == 'cuda':
        return 'bf16' if torch.cuda.is_bf16_supported(including_emulation=False) else 'float32'
    capabilities = getattr(torch.cpu, 'get_capabilities', dict)()  # older versions of torch cannot tell
    return 'bf16' if device.type == 'cpu' and capabilities.get('amx_bf16') else 'float32'
