"""What to do about losses that are not finite: leave such batches out, roll back once, then stop and name the files."""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

logger = logging.getLogger('huefill')


class LossGuard:
    """Counts batches in a row whose loss is NaN or infinite; none of them changes a weight.

    After `limit` in a row the weights go back to the last checkpoint and training goes on with the batches that follow,
    as Chowdhery et al. do (PaLM, 2022, section 5.1: the same batches do no harm to other weights). When it happens
    again, training stops.

    Args:
        limit: batches in a row to try.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.rolled_back = False
        self.names: list[list[str]] = []

    def passed(self) -> None:
        """A batch had a finite loss."""
        self.names.clear()

    def failed(self, step: int, losses: Mapping[str, float], names: Sequence[str]) -> bool:
        """A batch's loss was not finite; whether to roll back now.

        Raises:
            ValueError: it has happened too often, with the files' names.
        """
        parts = {name: value for name, value in losses.items() if name != 'loss'}  # which is their sum
        broken = ', '.join(f'{name} is {value}' for name, value in parts.items() if not math.isfinite(value))
        logger.warning(f'step {step + 1}: {broken}; left out this batch: {", ".join(names)}')
        self.names.append(list(names))
        if len(self.names) < self.limit:
            return False
        if self.rolled_back:
            raise self.error(step, broken)
        self.rolled_back = True
        return True

    def error(self, step: int, broken: str = 'the loss is not finite') -> ValueError:
        """What ends the training."""
        files = '; '.join(', '.join(batch) for batch in self.names)
        return ValueError(
            f'step {step + 1}: {broken}, {len(self.names)} batches in a row, after the weights had been rolled back or '
            f'with no checkpoint to roll back to. The batches were: {files}. Lower optimizer.lr, set '
            'train_cfg.clip_norm=1.0 or precision=float32 and go on with --resume; or look at these files'
        )

    def state_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return dict(rolled_back=self.rolled_back, names=[list(batch) for batch in self.names])

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up where `state_dict` was."""
        self.rolled_back, self.names = state['rolled_back'], [list(map(str, batch)) for batch in state['names']]
