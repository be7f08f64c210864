"""One optimizer step: the batch in as many parts as fit into memory, and no update from a loss that is not finite."""

import itertools
import logging
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from mmengine.dist import is_distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from toolbox.nn.device import is_out_of_memory
from toolbox.plugin.types import Batch
from toolbox.training.distributed import mean_over_processes
from toolbox.training.model import RestorationModel

logger = logging.getLogger('huefill')


@dataclass(frozen=True)
class StepResult:
    """The result of a step.

    Attributes:
        losses: by name, and `loss`, their sum: means over the batch of all processes.
        finite: whether they are all finite; if not, no weight has changed.
        stop: whether any process was asked to stop.
    """

    losses: dict[str, float]
    finite: bool
    stop: bool


class TrainingStep:
    """Steps the optimizers of a model and of its losses' critics.

    A batch is worked through in `parts`, whose gradients add up to the batch's. Losses are means over images, so the
    result is that of the whole batch; BatchNorm alone sees the part's images only. When a part does not fit into
    memory, the number of parts doubles.

    Args:
        model: what is trained.
        network: the model, as wrapped for several processes.
        optimizer: the restorer's.
        critics: the critics' optimizers.
        parts: of a batch.
        clip_norm: largest norm of the restorer's gradient; None: any.
    """

    def __init__(
        self,
        model: RestorationModel,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        critics: Sequence[torch.optim.Optimizer] = (),
        parts: int = 1,
        clip_norm: float | None = None,
    ) -> None:
        self.model = model
        self.network = network
        self.optimizers = [optimizer, *critics]
        self.parts = parts
        self.clip_norm = clip_norm
        self.device = next(model.layout.parameters()).device
        self._buffers = list(model.buffers())
        self._kept = [buffer.clone() for buffer in self._buffers]

    def __call__(self, batch: Batch, stop: bool = False) -> StepResult:
        """Take a step.

        Args:
            batch: this process's share of the global batch.
            stop: whether this process was asked to stop; told to all.

        Raises:
            ValueError: a single photograph does not fit into memory, or no loss has a weight at this step.
        """
        _copy(self._kept, self._buffers)
        while True:
            self._clear_gradients()
            try:
                result = self._gradients(batch, stop)
                break
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                message = str(error)  # the error itself would keep the failed step's tensors alive
            _copy(self._buffers, self._kept)
            self._halve(len(batch), message)
        if not result.finite:  # BatchNorm's running statistics would never recover
            _copy(self._buffers, self._kept)
        else:
            if self.clip_norm is not None:
                nn.utils.clip_grad_norm_(self.model.layout.parameters(), self.clip_norm)
            for optimizer in self.optimizers:
                optimizer.step()
        return result

    def _gradients(self, batch: Batch, stop: bool) -> StepResult:
        sums: dict[str, Tensor] = {}
        parts = _split(batch, min(self.parts, len(batch)))
        for number, part in enumerate(parts, start=1):
            with nullcontext() if number == len(parts) else self._unsynchronized():
                losses = self.network(part.to(self.device))
                if not losses:
                    raise ValueError(f'model.losses: no loss has a weight at step {self.model.step}; lower one `start`')
                if len(parts) > 1:
                    losses = {name: value * (len(part) / len(batch)) for name, value in losses.items()}
                for name, value in losses.items():
                    sums[name] = sums[name] + value.detach() if name in sums else value.detach()
                if number == len(parts):
                    read = _start_reading(sums, stop)  # before the backward pass, which hides the way to the host
                sum(losses.values()).backward()
        values, asked_to_stop = read()
        losses = dict(zip(sums, values, strict=True))
        return StepResult({'loss': sum(values), **losses}, all(map(math.isfinite, values)), asked_to_stop)

    def _unsynchronized(self) -> AbstractContextManager:
        """Where processes keep their gradients to themselves until the last part."""
        return self.network.no_sync() if isinstance(self.network, DistributedDataParallel) else nullcontext()

    def _clear_gradients(self) -> None:
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    def _halve(self, batch_size: int, message: str) -> None:
        self._clear_gradients()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        parts = min(2 * self.parts, batch_size)
        if is_distributed():  # the other processes wait in a reduction, which cannot be called off
            raise ValueError(
                f'out of memory with train_cfg.accumulate={self.parts}: add '
                f'--resume --cfg-options train_cfg.accumulate={2 * self.parts} ({message})'
            )
        if parts <= self.parts:
            raise ValueError(
                'out of memory with a single photograph at a time: lower data.size, or choose a smaller encoder '
                f'({message})'
            )
        self.parts = parts
        logger.warning(
            f'out of memory: each batch of {batch_size} photographs is now worked through in {parts} parts of at most '
            f'{math.ceil(batch_size / parts)} (train_cfg.accumulate={parts})'
        )


def _start_reading(sums: dict[str, Tensor], stop: bool) -> Callable[[], tuple[list[float], bool]]:
    """Send losses to the host; the answer waits for them. Between processes they are averaged."""
    first = next(iter(sums.values()))
    values = torch.stack(
        [*sums.values(), first.new_full((), float(stop))]
    )  # made there: a copy would wait for the step
    mean_over_processes(values)
    if values.is_cuda:
        host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
        host.copy_(values, non_blocking=True)
        arrived = torch.cuda.Event()
        arrived.record()
    else:
        host, arrived = values, None

    def read() -> tuple[list[float], bool]:
        if arrived is not None:
            arrived.synchronize()
        *losses, asked_to_stop = host.tolist()
        return losses, asked_to_stop > 0

    return read


def _copy(targets: list[Tensor], sources: list[Tensor]) -> None:
    # Of one type each: of mixed ones torch copies tensor by tensor.
    for dtype in {target.dtype for target in targets}:
        alike = [target.dtype == dtype for target in targets]
        torch._foreach_copy_(list(itertools.compress(targets, alike)), list(itertools.compress(sources, alike)))


def _split(batch: Batch, parts: int) -> list[Batch]:
    """The batch in parts of nearly equal size."""
    if parts == 1:
        return [batch]
    bounds = [round(number * len(batch) / parts) for number in range(parts + 1)]
    return [_slice(batch, slice(start, stop)) for start, stop in itertools.pairwise(bounds)]


def _slice(batch: Batch, part: slice) -> Batch:
    tensors: dict[str, Any] = {key: value[part] for key, value in vars(batch).items() if isinstance(value, Tensor)}
    return replace(batch, names=batch.names[part], **tensors)
