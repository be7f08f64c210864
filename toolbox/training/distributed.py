"""Several processes, on CUDA or on CPU: how they start, what they agree on, and what happens when one is lost."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dist import broadcast_object_list, get_dist_info, init_dist, is_distributed, is_main_process
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from toolbox.nn.device import default_device

# What a launcher's starter sets, and who that is.
_VARIABLES = {
    'pytorch': ('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'),
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_NODELIST'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
}
_STARTERS = {'pytorch': 'torchrun', 'slurm': 'srun', 'mpi': 'mpirun'}


class LostProcess(ConnectionError):
    """Another process of the group is gone, and with it the run."""


def start_processes(launcher: str) -> None:
    """Join the process group of `torchrun`, slurm or mpi; nothing for launcher `none`."""
    if launcher == 'none' or is_distributed():
        return
    needed = _VARIABLES.get(launcher, ())
    if lacking := [name for name in needed if name not in os.environ]:
        raise ValueError(
            f'--launcher {launcher}: {_STARTERS[launcher]} has not started this process: {", ".join(lacking)} is not '
            f'set; start with {_STARTERS[launcher]}, or leave --launcher out for one process'
        )
    if torch.cuda.is_available():
        init_dist(launcher)
    elif launcher == 'pytorch':
        torch.distributed.init_process_group('gloo')  # mmengine's start calls torch.cuda.set_device
    else:
        raise ValueError(f'--launcher {launcher} needs CUDA; on CPU start with torchrun and --launcher pytorch')


def from_main_process(value: Any) -> Any:
    """The main process's value, in every process."""
    holder = [value]
    broadcast_object_list(holder)
    return holder[0]


def by_main_process(function: Callable[[], Any]) -> Any:
    """What a function returns in the main process, in every process; what it raises for a person, too.

    Raises:
        ValueError, OSError: the main process's.
    """
    outcome: tuple[Any, Exception | None] = (None, None)
    if is_main_process():
        try:
            outcome = function(), None
        except (ValueError, OSError) as caught:  # the others would wait for the value
            outcome = None, caught
    value, error = from_main_process(outcome)
    if error is not None:
        raise error
    return value


def gathered(value: Any) -> list[Any]:
    """Every process's value, by rank, in every process."""
    _, world_size = get_dist_info()
    values = [value] * world_size
    if world_size > 1:
        torch.distributed.all_gather_object(values, value)
    return values


def mean_over_processes(values: torch.Tensor) -> torch.Tensor:
    """The mean of each value over all processes, in place."""
    _, world_size = get_dist_info()
    if world_size > 1:
        torch.distributed.all_reduce(values)
        values /= world_size
    return values


def share_buffers(module: nn.Module) -> None:
    """Give every process the main one's buffers: BatchNorm's running statistics are gathered by each on its own."""
    if is_distributed():
        for buffer in module.buffers():
            torch.distributed.broadcast(buffer, 0)


def over_processes(module: nn.Module) -> nn.Module:
    """The module on this process's device, its gradients averaged over all processes where there are several."""
    device = default_device()
    if not is_distributed():
        return module.to(device)
    if device.type == 'cuda':
        module = with_synchronized_norms(module).to(device)
    # Not all parameters get a gradient at each step: those of features that a decoder leaves out, of networks that rest
    # in a phase, of critics whose losses do not count yet.
    return DistributedDataParallel(
        module, device_ids=[device] if device.type == 'cuda' else None, find_unused_parameters=True
    )


def with_synchronized_norms(module: nn.Module) -> nn.Module:
    """The module with batch normalization over the batches of all processes, its parameters the same objects.

    timm's conversion keeps the activation that timm's own layers hold; torch's leaves a layer without.

    Raises:
        ValueError: a layer of batch normalization that computes something of its own, which no conversion keeps.
    """
    from timm.layers.norm_act import BatchNormAct2d, SyncBatchNormAct, convert_sync_batchnorm

    known = {kind.forward for kind in (_BatchNorm, BatchNormAct2d, nn.SyncBatchNorm, SyncBatchNormAct)}
    for name, part in module.named_modules():
        if isinstance(part, _BatchNorm) and type(part).forward not in known:
            raise ValueError(
                f'{name} is a {type(part).__name__}, which cannot be synchronized between processes: train on one GPU, '
                'or build the network with torch.nn.BatchNorm2d and a layer of its own for what comes after'
            )
    return convert_sync_batchnorm(module)


@contextmanager
def loss_of_a_process_explained() -> Iterator[None]:
    """Turn the errors by which a process learns that another one is gone into one that says so.

    Raises:
        LostProcess: with what to type.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_distributed() or not _is_communication(error):
            raise
        rank, world_size = get_dist_info()
        raise LostProcess(
            f'process {rank} of {world_size} lost the connection to another one, which has ended or was killed (see '
            'its train.rankN.log); start again with --resume, with any number of processes that divides data.batch_size'
        ) from error


def _is_communication(error: RuntimeError) -> bool:
    """Gloo and NCCL raise plain RuntimeErrors, too; their own words are the only mark."""
    words = ('gloo', 'NCCL', 'Connection closed', 'Connection reset', 'Broken pipe', 'peer')
    return isinstance(error, torch.distributed.DistError) or any(word in str(error) for word in words)
