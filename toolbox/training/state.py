"""All that a training goes on from: taken for a checkpoint, and given back."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import get_rank, is_main_process

from toolbox.nn.device import is_out_of_memory
from toolbox.training.checkpoint import size_in_bytes
from toolbox.training.checkpoint_forms import difference, malformed, optimizer_difference, random_difference
from toolbox.training.early_stopping import BestScore
from toolbox.training.ema import WeightAverage
from toolbox.training.hooks import TrainingHook
from toolbox.training.model import RestorationModel
from toolbox.training.nonfinite import LossGuard
from toolbox.training.optimizers import build_critic_optimizers, build_optimizer
from toolbox.training.random_state import random_state, set_random_state


class TrainingState:
    """The networks, their optimizers, and where in the run they are.

    Args:
        config: a complete config.
        model: what is trained, on its device.
        higher_is_better: direction of the score that ranks.
        hooks: what watches the run; their states are kept, too.

    Attributes:
        epoch: epochs that are finished.
        step: steps that are taken.
        batch: batches of the present epoch that are trained on.
        optimizer, critics: of the networks, and of what losses bring.
        average: of the weights; None: there is none.
        best: the best validation so far, and the patience that is left.
        guard: of losses that are not finite.
    """

    def __init__(
        self, config: Config, model: RestorationModel, higher_is_better: bool, hooks: Sequence[TrainingHook] = ()
    ) -> None:
        self.seed = config.seed
        self.model = model
        self.hooks = hooks
        self.epoch = self.step = self.batch = 0
        self.optimizer = build_optimizer(config.optimizer, model.layout, config.train_cfg.encoder_lr_factor)
        self.critics = build_critic_optimizers(model.objective)
        decay = config.train_cfg.ema
        self.average = None if decay is None else WeightAverage(model.layout, decay)
        self.best = BestScore(higher_is_better, **config.early_stopping)
        self.guard = LossGuard(config.train_cfg.max_bad_steps)

    def averaged_weights(self) -> AbstractContextManager[None]:
        """Within, the networks have the weights that are validated and saved as the best."""
        return nullcontext() if self.average is None else self.average.applied()

    def is_finite(self) -> bool:
        """Whether all weights are."""
        state = self.model.layout.state_dict()
        finite = [value.isfinite().all() for value in state.values() if value.is_floating_point()]
        return bool(torch.stack(finite).all())  # one wait for the GPU, in place of one per tensor

    def for_restoring(self) -> dict[str, Any]:
        """What best.pth holds of it: weights and the best validation's metrics."""
        trained = self.model.layout.state_dict()
        return dict(
            model=trained if self.average is None else self.average.average,
            epoch=self.epoch,
            step=self.step,
            metrics=self.best.best,
        )

    def for_resuming(self) -> dict[str, Any]:
        """What last.pth holds besides."""
        averaged = {}
        if self.average is not None:
            averaged = dict(trained=self.model.layout.state_dict(), updates=self.average.updates)
        return dict(
            optimizer=self.optimizer.state_dict(),
            objective=self.model.objective.state_dict(),
            critics=[optimizer.state_dict() for optimizer in self.critics],
            **averaged,
            batch=self.batch,
            best_score=self.best.state_dict(),
            guard=self.guard.state_dict(),
            hooks=self._hook_states(),
            random=random_state(),
        )

    def load(self, content: Mapping[str, Any], path: Path) -> None:
        """Take up a run where a checkpoint left it.

        Args:
            content: of the checkpoint; `check_keys` has seen it.
            path: of the checkpoint, for errors.

        Raises:
            ValueError: the checkpoint holds a state of another form than this one.
        """
        told = self._difference(content)
        if told:
            raise malformed(path, told)
        try:
            self._load(content)
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            raise malformed(path, f'{type(error).__name__}: {error}') from error

    def load_weights(self, content: Mapping[str, Any]) -> None:
        """Give networks, optimizers and average the state of a checkpoint; the options stay those of the config."""
        options: list[dict[str, Any]] = [
            {key: group[key] for key in ('lr', 'weight_decay') if key in group} for group in self.optimizer.param_groups
        ]
        self.model.layout.load_state_dict(content.get('trained', content['model']))
        self.optimizer.load_state_dict(content['optimizer'])
        for group, own in zip(self.optimizer.param_groups, options, strict=True):
            group.update(own)
        self.model.objective.load_state_dict(content['objective'])
        for optimizer, state in zip(self.critics, content['critics'], strict=True):
            optimizer.load_state_dict(state)
        if self.average is None:
            return
        if 'updates' in content:
            self.average.load_state_dict(dict(average=content['model'], updates=content['updates']))
        else:  # trained without an average so far
            self.average.restart()

    def expected_sizes(self) -> tuple[int, int]:
        """About the bytes of last.pth and of best.pth."""
        model = size_in_bytes(self.model.layout.state_dict())
        others = size_in_bytes(self.model.objective.state_dict())
        moments = 2 * (model + others)  # Adam's; they do not exist before the first step
        return model + others + moments + (0 if self.average is None else model), model

    def _load(self, content: Mapping[str, Any]) -> None:
        self.load_weights(content)
        self.best.load_state_dict(content['best_score'])
        self.guard.load_state_dict(content['guard'])
        for hook in self.hooks:
            if type(hook).__name__ in content['hooks']:
                hook.load_state_dict(content['hooks'][type(hook).__name__])
        self.epoch, self.step, self.batch = content['epoch'], content['step'], content['batch']
        if is_main_process():
            set_random_state(content['random'])
        else:  # the main process's state is the one that is saved; the others must not draw the same
            torch.manual_seed(hash((self.seed, self.step, get_rank())))

    def _difference(self, content: Mapping[str, Any]) -> str:
        """How a checkpoint's state has another form than this one, in words; '' where it has the same."""
        hooks = self._hook_states()
        network = self.model.layout.state_dict()
        like: dict[str, Any] = dict(
            model=network,
            objective=self.model.objective.state_dict(),
            best_score=self.best.state_dict(),
            guard=self.guard.state_dict(),
            hooks={name: state for name, state in hooks.items() if name in content['hooks']},
            critics=[None] * len(self.critics),
        )
        if 'trained' in content:
            like |= dict(trained=network, updates=0)
        given = dict(content, critics=[None] * len(content['critics']))
        given['hooks'] = {
            name: {key: given.get(key) for key in like['hooks'][name]} if isinstance(given, Mapping) else given
            for name, given in content['hooks'].items()
            if name in like['hooks']
        }
        told = (difference(given.get(key), like[key], key) for key in like)
        optimizers = [('optimizer', content['optimizer'], self.optimizer)]
        optimizers += [
            (f'critics.{index}', state, critic)
            for index, (state, critic) in enumerate(zip(content['critics'], self.critics, strict=False))
        ]
        of_optimizers = (optimizer_difference(state, optimizer, name) for name, state, optimizer in optimizers)
        return next(filter(None, (*told, *of_optimizers, random_difference(content['random']))), '')

    def _hook_states(self) -> dict[str, Mapping[str, Any]]:
        return {type(hook).__name__: state for hook in self.hooks if (state := hook.state_dict())}
