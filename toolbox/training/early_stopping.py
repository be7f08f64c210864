"""Which validation was the best, and when to stop waiting for a better one."""

import math
from typing import Any


class BestScore:
    """Keeps the best validation score and counts the validations since the last real improvement.

    The rule: a validation is the *best* when its score exceeds every earlier one. It is an *improvement* when its score
    exceeds that of the last improvement by more than `min_delta`. Training stops after `patience` validations in a row
    without an improvement. A score that is not a number is never better.

    Args:
        higher_is_better: direction of the score.
        patience: validations to wait; None: for ever.
        min_delta: how much better an improvement is, at least, in units of the score.
    """

    def __init__(self, higher_is_better: bool = True, patience: int | None = None, min_delta: float = 0.0) -> None:
        self.sign = 1.0 if higher_is_better else -1.0
        self.patience = patience
        self.min_delta = min_delta
        self.best: dict[str, Any] = {}
        self._best_score = -math.inf
        self._improved_to = -math.inf
        self.waited = 0

    def update(self, score: float, metrics: dict[str, Any]) -> bool:
        """Take in a validation; whether it is the best so far."""
        score = self.sign * score
        if score > self._improved_to + self.min_delta:
            self._improved_to, self.waited = score, 0
        else:
            self.waited += 1
        if score > self._best_score:
            self._best_score, self.best = score, dict(metrics)
            return True
        return False

    @property
    def should_stop(self) -> bool:
        """Whether patience is at its end."""
        return self.patience is not None and self.waited >= self.patience

    def settle(self, metrics: dict[str, Any], score: float | None) -> str:
        """Where a checkpoint of the best holds an earlier validation, take that one for the best.

        Args:
            metrics: of the checkpoint; {}: there is none.
            score: of it; None: there is none.

        Returns:
            What is wrong with the checkpoint, in words; '' where it is the best validation's.
        """
        found = -math.inf if score is None else self.sign * score
        if self._best_score <= found:
            return ''
        epoch, is_of = self.best.get('epoch'), f'it is of epoch {metrics.get("epoch")}'
        self.best, self._best_score = dict(metrics), found
        return f'is not of the best validation, epoch {epoch}: {is_of if metrics else "there is none that can be read"}'

    def state_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return dict(best=self.best, best_score=self._best_score, improved_to=self._improved_to, waited=self.waited)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up where `state_dict` was."""
        self.best, self._best_score = dict(state['best']), state['best_score']
        self._improved_to, self.waited = state['improved_to'], state['waited']
