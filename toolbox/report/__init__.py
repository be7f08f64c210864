"""Reports that people read: self-contained HTML pages.

`page`, `charts`, `images` and `statistics` are pieces for any report; `score`, `cleaning` and `ablation` are reports.
"""

from toolbox.report.score import Pictures, ScoreEntry, write_score_report

__all__ = ['Pictures', 'ScoreEntry', 'write_score_report']
