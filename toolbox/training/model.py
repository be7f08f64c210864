"""What is trained: a layout of networks, its losses, and its post-processing."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from toolbox.images.color import to_uint8
from toolbox.nn.device import prediction_precision, training_precision, without_tf32
from toolbox.nn.network import PARTS, NetworkFactory
from toolbox.plugin.contracts import Layout, PostProcess, ReadableLayout
from toolbox.plugin.registry import LAYOUTS, POSTPROCESS, without_files
from toolbox.plugin.types import Batch, Restored
from toolbox.training.objective import Objective
from toolbox.training.phases import PhasePlan

logger = logging.getLogger('huefill')


@dataclass
class Outcome:
    """A batch and what became of it, on the device.

    Attributes:
        batch: what was given, with the truth.
        restored: what the layout answered, before post-processing.
        rgb: uint8 (N, 3, H, W), the post-processed bytes that are scored and written.
    """

    batch: Batch
    restored: Restored
    rgb: Tensor

    def pictures(self, index: int) -> dict[str, np.ndarray]:
        """Image `index` as a person looks at it: uint8 (H, W, 3) by label, a gray stage where the layout has one."""
        shown = {'input': self.batch.damaged, 'output': self.rgb, 'truth': self.batch.rgb}
        if self.restored.gray is not None:
            shown = {'input': self.batch.damaged, 'stage 1': self.restored.gray, **shown}
        return {label: _picture(image[index]) for label, image in shown.items()}


class RestorationModel(nn.Module):
    """A stage layout with its losses and post-processing.

    Args:
        model: the config's `model`.
        precision: `bf16` runs networks under autocast; `float32` does not; `auto` trains in bf16 where it is
            faster, and restores in float32 (`toolbox/nn/device.py`).
        to_train: False builds for a checkpoint to fill: nothing is fetched, no file that the config names is opened
            (`toolbox.plugin.registry.without_files`), and there are no losses.

    Attributes:
        layout: the networks.
        phases: which of the networks train, at which step.
        step: the global step, for weight schedules.
        trains_in: the precision of training steps where it was measured (`toolbox.training.precision`); else None.
    """

    def __init__(self, model: Mapping[str, Any], precision: str = 'auto', to_train: bool = True) -> None:
        super().__init__()
        with nullcontext() if to_train else without_files():
            make_network = NetworkFactory(**{part: model[part] for part in PARTS}, stages=model.get('stages'))
            self.layout: nn.Module = LAYOUTS.build(model['layout'], make_network=make_network)
            self.postprocess: list[PostProcess] = [POSTPROCESS.build(config) for config in model['postprocess']]
        make_network.check_names(model['layout']['type'])
        self.objective = Objective(model['losses'] if to_train else [], self.layout)
        self.phases = PhasePlan(self.layout)
        self.precision = precision
        self.step = 0
        self.trains_in: str | None = None
        # Convolutions run faster so on CPU and GPU alike; shapes and values are the same.
        self.to(memory_format=torch.channels_last)

    def compile_networks(self) -> None:
        """Compile the layout with torch.compile, on a GPU: on CPU compiled networks are slower."""
        if torch.cuda.is_available():
            self.layout.compile()
        else:
            logger.warning('train_cfg.compile: left out, for on CPU compiled networks are slower')

    def begin_step(self, step: int, total_steps: int) -> bool:
        """Tell the model where in the run it is; whether a new phase begins."""
        self.step = step
        return self.phases.begin_step(step, total_steps)

    def train(self, mode: bool = True) -> 'RestorationModel':
        """As in torch, but what the current phase froze stays in eval mode."""
        super().train(mode)
        self.phases.apply()
        return self

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The losses of a batch of floats on the model's device, by name; what DistributedDataParallel wraps."""
        assert isinstance(self.layout, Layout)
        restored, targets = self.restore(batch.damaged, batch.mask), self.layout.targets(batch)
        counted = self.phases.current.losses if self.phases.current else None
        # For losses that hold a network; `ImageLoss` computes all others in float32.
        with self._precision(batch.damaged.device):
            return self.objective(restored, targets, batch.hole, self.step, counted)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.layout.parameters()).device

    def val_step(self, batches: Sequence[Batch]) -> list[Outcome]:
        """Restore batches, each of one size, as they come from a validation loader."""
        return [self._outcome(batch.to(self.device)) for batch in batches]

    def restore(self, damaged: Tensor, mask: Tensor) -> Restored:
        """The layout's answer at the model's precision for training or eval mode, before post-processing.

        A layout that is compiled (`nn.Module.compile`) runs so in training alone: photographs that are restored have
        many sizes, for each of which it would be compiled anew, and scores should be those of `infer`.
        """
        with self._precision(damaged.device):
            if self.training:
                return self.layout(damaged, mask)
            return self.layout._call_impl(damaged, mask)  # what `__call__` does without a compiled one

    @property
    def has_readings(self) -> bool:
        """Whether the layout's answer can be read with another strength or kind of color (`ReadableLayout`)."""
        return isinstance(self.layout, ReadableLayout)

    def predict(self, damaged: Tensor, mask: Tensor) -> dict[str, Tensor] | Restored:
        """What of `restore` takes the networks; `read` makes the rest of it."""
        with self._precision(damaged.device):
            if isinstance(self.layout, ReadableLayout):
                return self.layout.predict(damaged, mask)
            return self.layout(damaged, mask)

    def read(self, predicted: dict[str, Tensor] | Restored, **reading: Any) -> Restored:
        """What `predict` returned, read as a `ReadableLayout` reads it; the same bits as `restore`."""
        if isinstance(predicted, Restored):
            return predicted
        assert isinstance(self.layout, ReadableLayout)  # it predicted
        with self._precision(next(iter(predicted.values())).device):
            return self.layout.read(predicted, **reading)

    @contextmanager
    def _precision(self, device: torch.device) -> Iterator[None]:
        if self.training:
            chosen = self.trains_in or training_precision(self.precision, device)
        else:
            chosen = prediction_precision(self.precision)
        # Training may round; a score should not depend on the machine, nor on whether training or `infer` measures it.
        float32 = nullcontext() if self.training else without_tf32()
        with float32, torch.autocast(device.type, dtype=torch.bfloat16, enabled=chosen == 'bf16'):
            yield

    def _outcome(self, batch: Batch) -> Outcome:
        restored = self.restore(batch.damaged, batch.mask)
        rgb = restored.rgb.float()
        for correct in self.postprocess:
            rgb = correct(rgb, batch.damaged, batch.mask)
        return Outcome(batch, restored, to_uint8(rgb))


def _picture(image: Tensor) -> np.ndarray:
    """(1 or 3, H, W), floats or bytes, to uint8 (H, W, 3)."""
    image = image if image.dtype == torch.uint8 else to_uint8(image)
    return image.expand(3, -1, -1).permute(1, 2, 0).cpu().numpy()
