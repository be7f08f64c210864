"""What is wrong with submissions or with what they are scored against, all of it in one error."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from toolbox.images.archive import Problem, shown

_NAMES_SHOWN, _REASONS_SHOWN = 10, 30


class SubmissionError(ValueError):
    """Submissions that cannot be scored.

    Attributes:
        problems: all of them, by what they are about: a submission or a folder of the truth's side.
    """

    def __init__(self, problems: Mapping[str, Sequence[Problem]]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return '\n'.join(line for owner, found in self.problems.items() for line in (f'{owner}:', *_grouped(found)))


def _grouped(problems: Sequence[Problem]) -> Iterator[str]:
    """A line per reason: the names it applies to. Of very many, the first."""
    by_reason: dict[str, list[str]] = {}
    for problem in problems:
        by_reason.setdefault(problem.reason, []).append(problem.file)
    for reason, files in islice(by_reason.items(), _REASONS_SHOWN):
        names = ', '.join(shown(file) for file in files[:_NAMES_SHOWN] if file)
        more = f', and {len(files) - _NAMES_SHOWN:,} more' if len(files) > _NAMES_SHOWN else ''
        yield f'  {reason}: {names}{more}' if names else f'  {reason}'
    if len(by_reason) > _REASONS_SHOWN:
        yield f'  and {len(by_reason) - _REASONS_SHOWN:,} other problems'
