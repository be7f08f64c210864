"""Gathers what an ablation's page shows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolbox.experiment.results import Summary, TrialResult
from toolbox.experiment.trial import PICTURES
from toolbox.images.io import read_rgb
from toolbox.report.ablation import RestoredPhoto, write_ablation_report


def write_page(folder: Path, summary: Summary, results: Sequence[TrialResult], plan: Mapping[str, Any]) -> Path:
    """Write report.html into an ablation's folder, and say where it is."""
    page = folder / 'report.html'
    photos = [_photo(place, name, results) for place, name in enumerate(plan['pictures'])]
    write_ablation_report(page, summary, results, plan['facts'], [photo for photo in photos if photo is not None])
    return page


def _photo(place: int, name: str, results: Sequence[TrialResult]) -> RestoredPhoto | None:
    """A photograph as each arm's first trial that validates it restored it; None where no trial has ended."""
    outputs: dict[str, Path] = {}
    for result in results:
        pictures = result.folder / PICTURES if result.folder else None
        if pictures is not None and (pictures / f'{place}_output.png').is_file():
            outputs.setdefault(result.arm, pictures)
    if not outputs:
        return None
    first = next(iter(outputs.values()))
    return RestoredPhoto(
        name,
        read_rgb(first / f'{place}_input.png'),
        read_rgb(first / f'{place}_truth.png'),
        {arm: read_rgb(pictures / f'{place}_output.png') for arm, pictures in outputs.items()},
    )
