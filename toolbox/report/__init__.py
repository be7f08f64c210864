"""Reports that people read: self-contained HTML pages.

`page`, `charts`, `images` and `statistics` are pieces for any report; `score`, `cleaning` and `ablation` are reports.
"""

from toolbox.report.score import write_score_report
from toolbox.report.score_entry import Pictures, ScoreEntry

__all__ = ['Pictures', 'ScoreEntry', 'write_score_report']
