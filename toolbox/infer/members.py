"""The models of an ensemble: read from checkpoints, weighted, and kept in memory as far as it has room."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from toolbox.infer.ensemble_weights import Weights, shares, validation_score
from toolbox.infer.photo import Scale
from toolbox.plugin.contracts import SizedLayout
from toolbox.training.checkpoint import read_checkpoint
from toolbox.training.load_model import build_model, checkpoint_config
from toolbox.training.model import RestorationModel

# Models that take more than this together are loaded one at a time. On a GPU it is a share of the memory that is free.
MAX_BYTES_ON_CPU = 2**30
MAX_SHARE_OF_GPU = 0.25


@dataclass
class Member:
    """A model of an ensemble.

    Attributes:
        name: what errors call it.
        weight: its share of the mean; those of an ensemble add up to 1.
        config: its resolved config.
        device: where it computes.
        multiple: the stride to which it extends images.
        any_size: whether its layout takes whole photographs of any size (`toolbox.plugin.contracts.SizedLayout`).
        has_readings: whether its layout's answer can be read in several ways.
    """

    name: str
    weight: float
    config: Config
    device: str
    multiple: int
    any_size: bool
    _source: str | Path | Mapping[str, Any]
    _model: RestorationModel | None = None
    has_readings: bool = False

    @property
    def scale(self) -> Scale:
        """The size at which it sees photographs."""
        return Scale(self.config.data.size, self.config.data.reduce and not self.any_size)

    @property
    def is_kept(self) -> bool:
        """Whether the model stays in memory."""
        return self._model is not None

    @contextmanager
    def loaded(self) -> Iterator[RestorationModel]:
        """The model, on the device; for as long as the context lasts, if it is not kept."""
        if self._model is not None:
            yield self._model
            return
        content = self._source if isinstance(self._source, Mapping) else read_checkpoint(Path(self._source))
        yield build_model(self.config, content['model']).to(self.device)

    def release(self) -> None:
        """Keep the model no longer in memory."""
        self._model = None


def load_members(
    checkpoints: Sequence[str | Path | Mapping[str, Any]],
    weights: Weights = None,
    device: str = 'cpu',
    max_bytes: int | None = None,
    options: Mapping[str, Any] | None = None,
    trust_plugins: bool = False,
) -> list[Member]:
    """The members of an ensemble, in order.

    Args:
        checkpoints: files, or contents such as `average_checkpoints` returns.
        weights: see `toolbox.infer.ensemble_weights.shares`.
        device: where they compute.
        max_bytes: what may stay in memory; None for `MAX_BYTES_ON_CPU`, or `MAX_SHARE_OF_GPU` of what is free.
        options: values by dotted path, in place of their configs'.
        trust_plugins: import what their configs list as `custom_imports`.

    Raises:
        FileNotFoundError, ValueError: not a checkpoint, weights that do not fit, or a score that is not known.
    """
    if not checkpoints:
        raise ValueError('no checkpoints: give at least one')
    room = _room(device) if max_bytes is None else max_bytes
    members: list[Member] = []
    scores: list[float | None] = []
    kept = 0
    for number, source in enumerate(checkpoints):
        content = source if isinstance(source, Mapping) else read_checkpoint(Path(source))
        name = f'checkpoint {number + 1}' if isinstance(source, Mapping) else str(source)
        config = checkpoint_config(content, name, options, trust_plugins)
        model = build_model(config, content['model'])
        kept += sum(tensor.nbytes for tensor in model.state_dict().values())
        if kept > room:
            for member in members:
                member.release()
        members.append(
            Member(
                name=name,
                weight=1.0,
                config=config,
                device=device,
                multiple=_multiple(model),
                any_size=isinstance(model.layout, SizedLayout) and model.layout.any_size,
                _source=source,
                _model=model.to(device) if kept <= room else None,
                has_readings=model.has_readings,
            )
        )
        scores.append(validation_score(content, config))
    for member, share in zip(members, shares(weights, scores, [member.name for member in members]), strict=True):
        member.weight = share
    return members


def _room(device: str) -> int:
    if device == 'cpu':
        return MAX_BYTES_ON_CPU
    return int(MAX_SHARE_OF_GPU * torch.cuda.mem_get_info(device)[0])


def _multiple(model: RestorationModel) -> int:
    """The largest stride of the layout's encoders (`Encoder.size_multiple`)."""
    return max((getattr(module, 'size_multiple', 1) for module in model.layout.modules()), default=1)
