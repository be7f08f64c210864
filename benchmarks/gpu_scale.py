"""How much `tools/benchmark.py gpu` measures."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        size: side of photographs, px.
        batch_size, steps, rounds: photographs per training step, steps in a timed block, timed blocks.
        published_encoder: of the published recipe, as smp calls it.
        options: by dotted path, in place of the shipped recipes' values.
        checked_size: side of what the networks' outputs are compared on, px.
        repeats: timed runs of scoring and restoring.
        images: photographs that are restored in a run.
        megapixels: of one more that is restored; 0: none.
    """

    size: int
    batch_size: int
    steps: int
    rounds: int
    published_encoder: str
    checked_size: int
    repeats: int
    images: int
    megapixels: int
    options: Mapping[str, object] = field(default_factory=dict)


SCALES = {
    # Blocks of more batches than loader workers have under way, two each: fewer would all be there from the start.
    'full': Scale(512, 8, 32, 3, 'efficientnet-b4', 256, 10, 16, 12),
    # For trying the command out: tiny networks, and the smallest photographs that the published damage fits.
    'small': Scale(
        64, 2, 2, 1, 'tu-test_efficientnet', 64, 1, 2, 0, {'model.encoder.name': 'test_efficientnet', 'data.workers': 1}
    ),
}
