"""What a run has behind it: its validations, and what they cost; kept in checkpoints, so that a resume adds to it."""

import resource
import sys
import time
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.dist import get_world_size

from toolbox.training.hooks import TrainingHook

_PER_MIB = 2**20 if sys.platform == 'darwin' else 2**10  # ru_maxrss is in bytes there, in kibibytes elsewhere
_KEPT = ('seconds', 'step_seconds', 'photos', 'peak_memory_mib')


class HistoryHook(TrainingHook):
    """Remembers each validation, and counts time, photographs and memory over all starts of a run.

    Attributes:
        curve: `step`, `epoch` and the metrics of each validation.
        seconds: of training and validating.
        peak_memory_mib: of the GPU where there is one, else of this process.
    """

    def __init__(self) -> None:
        self.curve: list[dict[str, Any]] = []
        self.seconds = 0.0
        self.step_seconds, self.photos = 0.0, 0
        self.peak_memory_mib = 0.0

    @property
    def images_per_second(self) -> float:
        """In training steps, waiting for data included, each start's first step left out."""
        return self.photos / self.step_seconds if self.step_seconds else 0.0

    @property
    def gpu_seconds(self) -> float:
        """Of all GPUs together."""
        return self.seconds * get_world_size() if torch.cuda.is_available() else 0.0

    def before_train(self, trainer: Any) -> None:
        self._counted_to = time.monotonic()
        self._last_step: float | None = None

    def before_epoch(self, trainer: Any) -> None:
        self._last_step = None

    def after_step(self, trainer: Any, losses: Mapping[str, float] | None) -> None:
        now = time.monotonic()
        if self._last_step is not None:
            self.step_seconds += now - self._last_step
            self.photos += trainer.config.data.batch_size
        self._last_step = now
        self._count()

    def after_validation(self, trainer: Any, metrics: Mapping[str, float], is_best: bool) -> None:
        self.curve.append({'step': trainer.step, 'epoch': trainer.epoch, **metrics})
        self._count()

    def state_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return {name: getattr(self, name) for name in _KEPT} | dict(curve=[dict(line) for line in self.curve])

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up where `state_dict` was."""
        for name in (*_KEPT, 'curve'):
            setattr(self, name, state[name])

    def _count(self) -> None:
        now = time.monotonic()
        self.seconds += now - self._counted_to
        self._counted_to = now
        if torch.cuda.is_available():
            peak = torch.cuda.max_memory_allocated() / 2**20
        else:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PER_MIB
        self.peak_memory_mib = max(self.peak_memory_mib, peak)
