"""In which precision a network trains fastest on this machine, found by taking steps in each."""

import time

import torch

from toolbox.nn.device import has_bfloat16_instructions, training_precision
from toolbox.plugin.contracts import Batch
from toolbox.training.model import RestorationModel

_STEPS = 2
# bf16 rounds: it has to be faster by more than timing is unsure of.
_GAIN = 1.1


def settle_training_precision(
    model: RestorationModel, size: int, batch_size: int, device: torch.device, before: str | None = None
) -> str:
    """The precision of a model's training steps, 'bf16' or 'float32', which the model takes from now on.

    Under `precision='auto'` on a CPU that has instructions for bfloat16, whether they pay depends on the network: a few
    steps in each precision are timed. Elsewhere it is known (`toolbox.nn.device.training_precision`). Neither weights,
    nor buffers, nor the random state change.

    Args:
        model: on the device.
        size: side of training crops, px.
        batch_size: photographs per step and process; no more than 4 are used.
        before: that the run, which is resumed, was trained in: it is kept where it would be timed, since a machine that
            is busy with something else may time otherwise. None: it begins, or what it was is not known.
    """
    chosen = training_precision(model.precision, device)
    if model.precision == 'auto' and device.type == 'cpu' and has_bfloat16_instructions():
        if before in ('float32', 'bf16'):
            model.trains_in = before
            return before
        batch = Batch.blank(size, size, min(batch_size, 4))
        seconds = {precision: _seconds(model, batch, precision) for precision in ('float32', 'bf16')}
        chosen = 'bf16' if seconds['bf16'] * _GAIN < seconds['float32'] else 'float32'
    model.trains_in = chosen
    return chosen


def _seconds(model: RestorationModel, batch: Batch, precision: str) -> float:
    """Of a forward and a backward pass, the fastest of a few after one that warms up."""
    before, was_training = model.trains_in, model.training
    buffers = [buffer.clone() for buffer in model.buffers()]
    times = []
    with torch.random.fork_rng(devices=[]):
        model.train()
        model.trains_in = precision
        for _ in range(_STEPS + 1):
            started = time.perf_counter()
            losses = model(batch, mode='loss')
            sum(losses.values()).backward()
            times.append(time.perf_counter() - started)
            model.zero_grad(set_to_none=True)
    model.train(was_training)
    model.trains_in = before
    for buffer, kept in zip(model.buffers(), buffers, strict=True):
        buffer.copy_(kept)
    return min(times[1:])
