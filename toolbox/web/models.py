"""Which models the page offers; each is loaded when it is first asked for, and shared by all people."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from toolbox.infer.ensemble import Ensemble
from toolbox.infer.models import model_card
from toolbox.infer.request import find_checkpoints
from toolbox.infer.restorer import Restorer
from toolbox.models import SHIPPED, shipped_model

_SHIPPED = 'Shipped model'


class Models:
    """The shipped model and those that were named; several of them also as one ensemble.

    Args:
        checkpoints: files or run folders.
        device: see `Restorer.from_checkpoints`.

    Attributes:
        choices: files by label; the first one is the default, what `infer` takes for the same checkpoints.

    Raises:
        FileNotFoundError, ValueError: a checkpoint that cannot be used.
    """

    def __init__(self, checkpoints: Sequence[str | Path], device: str = 'auto') -> None:
        named = [file for checkpoint in checkpoints for file in find_checkpoints(Path(checkpoint))]
        self.device = device
        self.choices: dict[str, list[Path]] = {}
        if len(named) > 1:
            self.choices[f'All {len(named)} together'] = named
        for file in named:
            self.choices[_label(file, named)] = [file]
        if SHIPPED.is_file() or not named:
            self.choices.setdefault(_SHIPPED, [shipped_model()])
        self._loading = Lock()
        self._restorers: dict[str, Restorer] = {}

    @property
    def default(self) -> str:
        """What a person who chooses nothing gets."""
        return next(iter(self.choices))

    def restorer(self, label: str, tta: str = 'none', tile: int | None = None) -> Restorer:
        """A choice as `Restorer`, with symmetries and tiles; see `Ensemble`."""
        with self._loading:
            if label not in self._restorers:
                self._restorers[label] = Restorer.from_checkpoints(self.choices[label], device=self.device)
            restorer = self._restorers[label]
        return Restorer(Ensemble(restorer.ensemble.members, tta, tile))

    def cards(self, label: str) -> list[dict[str, str]]:
        """Of each checkpoint of a choice: name, networks, scores."""
        return [model_card(file) for file in self.choices[label]]


def _label(file: Path, named: Sequence[Path]) -> str:
    """The shortest end of a path that tells a checkpoint from the others."""
    parts = file.parts
    for length in range(1 if file.name != 'best.pth' else 2, len(parts) + 1):
        label = '/'.join(parts[-length:])
        if not any(other != file and '/'.join(other.parts[-length:]) == label for other in named):
            break
    return label
