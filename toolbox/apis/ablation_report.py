"""Gathers what an ablation's page shows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolbox.experiment.results import Summary, TrialResult


def write_report(folder: Path, summary: Summary, results: Sequence[TrialResult], plan: Mapping[str, Any]) -> None:
    """Write report.html into an ablation's folder."""
