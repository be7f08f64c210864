"""Gathers what an ablation's page shows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolbox.apis.trial import PICTURES
from toolbox.experiment.results import Summary, TrialResult
from toolbox.imageio import read_rgb
from toolbox.report.ablation import RestoredPhoto, write_ablation_report


def write_report(folder: Path, summary: Summary, results: Sequence[TrialResult], plan: Mapping[str, Any]) -> None:
    """Write report.html into an ablation's folder."""
    photos = [_photo(place, name, results) for place, name in enumerate(plan['pictures'])]
    write_ablation_report(
        folder / 'report.html', summary, results, plan['facts'], [photo for photo in photos if photo is not None]
    )


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
