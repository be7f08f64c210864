"""Counts what would make a process wait for its GPU, on machines that have none.

Tensors are fake ones (`torch._subclasses.FakeTensorMode`), which have a device, a shape and no values: code takes the
way that it takes on CUDA. What asks for a value, or sends something from pageable memory, is recorded with the line
that does; the answer is a made-up number, so that the code goes on.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

REPOSITORY = Path(__file__).resolve().parents[1]
ANSWER = 100  # what each value is said to be
# Operators whose result has a size that depends on values.
_DYNAMIC = ('nonzero', 'masked_select', 'unique_dim', '_unique2', 'unique_consecutive', 'bincount')


class Waits(TorchDispatchMode):
    """Records `file:function` of the product's code and the operator, for each wait."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        source = next((value for value in args if isinstance(value, Tensor)), None)
        if name == '_local_scalar_dense' and source.device.type == 'cuda':
            self._record(name)
            return ANSWER if not source.dtype.is_floating_point else float(ANSWER)
        on_gpu = any(isinstance(value, Tensor) and value.device.type == 'cuda' for value in args)
        if on_gpu and (name in _DYNAMIC or (name == 'index' and _has_mask(args[1]))):
            self._record(name)
        result = func(*args, **kwargs)
        if name in ('_to_copy', 'copy_') and not self._is_asynchronous(args, kwargs):
            ends = {args[1].device.type if name == 'copy_' else source.device.type, result.device.type}
            if ends == {'cpu', 'cuda'}:
                self._record(name)
        return result

    @staticmethod
    def _is_asynchronous(args: tuple, kwargs: dict) -> bool:
        return kwargs.get('non_blocking', False) or (len(args) > 2 and args[2] is True)

    def _record(self, name: str) -> None:
        own = [
            frame
            for frame in traceback.extract_stack()
            if frame.filename.startswith((f'{REPOSITORY}/toolbox/', f'{REPOSITORY}/plugins/'))
        ]
        where = f'{Path(own[-1].filename).relative_to(REPOSITORY)}:{own[-1].name}' if own else 'elsewhere'
        self.found.append((where, name))


def _has_mask(indices) -> bool:
    return any(isinstance(index, Tensor) and index.dtype == torch.bool for index in indices)


@contextmanager
def fake_cuda() -> Iterator[Waits]:
    """Within, `.to('cuda')` makes fake tensors, whether or not there is a GPU; real ones that meet them are looked at
    as they are."""
    with FakeTensorMode(allow_non_fake_inputs=True), Waits() as waits:
        yield waits


def to_fake_cuda(module: nn.Module) -> nn.Module:
    """The module with its parameters and buffers on the fake device; called within `fake_cuda`."""
    for part in module.modules():
        for tensors in (part._parameters, part._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    moved = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device='cuda')
                    tensors[name] = nn.Parameter(moved, tensor.requires_grad) if tensors is part._parameters else moved
    return module
