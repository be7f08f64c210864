"""Starting several processes, on CUDA or on CPU."""

from typing import Any

import torch
from mmengine.dist import broadcast_object_list, init_dist, is_distributed


def start_processes(launcher: str) -> None:
    """Join the process group of `torchrun`, slurm or mpi; nothing for launcher `none`."""
    if launcher == 'none' or is_distributed():
        return
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
