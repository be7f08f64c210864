"""Models x symmetries x tiles, averaged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from toolbox.images.color import to_float
from toolbox.infer.members import Member
from toolbox.infer.photo import Scale
from toolbox.infer.symmetries import SYMMETRIES, Symmetry
from toolbox.infer.tiles import Tile, tiles
from toolbox.plugin.types import Restored

# Damaged gray and mask, uint8 (N, 1, h, w) each, at the size of each scale of the ensemble.
WorkingBatch = Mapping[Scale, tuple[Tensor, Tensor]]

# An image of more than this many times the area that a model was trained at is cut into tiles unless asked otherwise.
_WHOLE = 4


class Ensemble:
    """The weighted mean of what models say of an image, before post-processing and rounding.

    Predictions are added up in one float32 tensor per batch: model by model in the given order, within a model
    symmetry by symmetry as `SYMMETRIES` lists them, within a symmetry tile by tile, row by row. Each is multiplied by
    its share of the mean first, so that the sum stays in the range of an image.

    The mean has the size of the largest `scale`; what a model with a smaller one says is enlarged to it, bilinearly.

    Args:
        members: the models, their weights adding up to 1.
        tta: a key of `SYMMETRIES`.
        tile: side of tiles, px at the model's size; 0 for whole images; None for tiles of twice the trained side where
            an image has more than four times the trained area; models that take any size see it whole.

    Raises:
        ValueError: an unknown `tta`, or a tile that is too small for the networks.
    """

    def __init__(self, members: Sequence[Member], tta: str = 'none', tile: int | None = None) -> None:
        if tta not in SYMMETRIES:
            raise ValueError(f'tta {tta!r}: expected one of {", ".join(SYMMETRIES)}')
        stride = max(member.multiple for member in members)
        if tile is not None and tile != 0 and tile < 2 * stride:
            raise ValueError(f'tile {tile}: the networks have a stride of {stride} px; give {2 * stride} or more, or 0')
        self.members = members
        self.symmetries = SYMMETRIES[tta]
        self.tile = tile
        self.scales = tuple(dict.fromkeys(member.scale for member in members))

    @property
    def stays_loaded(self) -> bool:
        """Whether all models are in memory together; else each pass over the batches loads them one by one."""
        return all(member.is_kept for member in self.members)

    def reference_scale(self, height: int, width: int) -> Scale:
        """The scale whose size the mean of a photograph of this size has: the largest, of equals the first."""
        return max(self.scales, key=lambda scale: scale.shape(height, width))

    @torch.no_grad()
    def means(self, batches: Sequence[WorkingBatch], references: Sequence[Scale]) -> list[Tensor]:
        """The mean for each batch, float32 (N, 3, h, w) at the size of its reference scale.

        Each model passes over all batches before the next one does: it is loaded once if models do not fit in memory
        together.
        """
        sums = [_zeros_like(batch[reference][0]) for batch, reference in zip(batches, references, strict=True)]
        for member in self.members:
            with member.loaded() as model:
                for total, batch in zip(sums, batches, strict=True):
                    damaged, mask = batch[member.scale]
                    views = self._views(member, damaged)
                    self._add(
                        total, member, damaged, ((*view, model.restore(*_seen(view, damaged, mask))) for view in views)
                    )
        return sums

    def count_passes(self, batch: WorkingBatch) -> int:
        """How many times networks run for a batch: models x symmetries x tiles."""
        return sum(sum(1 for _ in self._views(member, batch[member.scale][0])) for member in self.members)

    @torch.no_grad()
    def predict(self, batch: WorkingBatch) -> Iterator[Any]:
        """What the networks of each model say of each view of a batch, one by one, for `mean_of`."""
        for member in self.members:
            with member.loaded() as model:
                damaged, mask = batch[member.scale]
                for view in self._views(member, damaged):
                    yield model.predict(*_seen(view, damaged, mask))

    @torch.no_grad()
    def mean_of(self, predicted: Iterable[Any], batch: WorkingBatch, reference: Scale, **reading: Any) -> Tensor:
        """The mean of what `predict` gave for a batch, with the bits of `means`; no network runs.

        Args:
            predicted: all of what `predict` gave, in order.
            batch, reference: see `means`.
            reading: `colors` and `strength`, see `toolbox.plugin.contracts.ReadableLayout`.
        """
        total, remaining = _zeros_like(batch[reference][0]), iter(predicted)
        for member in self.members:
            with member.loaded() as model:
                damaged = batch[member.scale][0]
                views = self._views(member, damaged)
                self._add(total, member, damaged, ((*view, model.read(next(remaining), **reading)) for view in views))
        return total

    def _views(self, member: Member, damaged: Tensor) -> Iterator[tuple[Symmetry, Tile]]:
        """What a model sees of a batch, in the order in which predictions are added up."""
        height, width = damaged.shape[-2:]
        for symmetry in self.symmetries:
            for tile in tiles(height, width, self._tile_side(damaged, member), member.multiple):
                yield symmetry, tile

    def _add(
        self, total: Tensor, member: Member, damaged: Tensor, restored: Iterable[tuple[Symmetry, Tile, Restored]]
    ) -> None:
        """Add a model's share of the mean to `total`."""
        same_size = damaged.shape[-2:] == total.shape[-2:]
        canvas = total if same_size else _zeros_like(damaged)
        share = member.weight / len(self.symmetries)
        for symmetry, tile, answer in restored:
            rgb = symmetry.undo(answer.rgb).float()
            weight = share if tile.weight is None else share * tile.weight.to(rgb.device)
            canvas[..., tile.rows, tile.columns] += weight * rgb
        if not same_size:
            total += functional.interpolate(canvas, total.shape[-2:], mode='bilinear', align_corners=False)

    def _tile_side(self, damaged: Tensor, member: Member) -> int | None:
        if self.tile is not None:
            return self.tile or None
        if member.any_size:
            return None
        height, width = damaged.shape[-2:]
        trained = member.config.data.size
        return 2 * trained if height * width > _WHOLE * trained**2 else None


def _seen(view: tuple[Symmetry, Tile], damaged: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """What a model is given of a batch: floats."""
    symmetry, tile = view
    damaged, mask = (symmetry.apply(image[..., tile.rows, tile.columns]) for image in (damaged, mask))
    return to_float(damaged), mask.float()


def _zeros_like(damaged: Tensor) -> Tensor:
    num, _, height, width = damaged.shape
    return torch.zeros(num, 3, height, width, device=damaged.device)
