"""The sentences of the page, and its small pieces of HTML; what comes from files is escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from toolbox.web.work import Item, Work

# Of the leaderboard, as a person calls them.
_METRICS = {
    'score': 'score',
    'ssim': 'structure',
    'masked_ssim': 'structure in the hole',
    'hue_similarity': 'hues',
}
_HEAD = '<h1>Huefill</h1><p>Fills the hole in an old gray photograph, and gives it colors.{private}</p>'
_PRIVATE = ' Everything stays on this computer.'


def head(is_local: bool) -> str:
    """The page's title and what it does."""
    return _HEAD.format(private=_PRIVATE if is_local else '')


def failures(reasons: Mapping[str, str]) -> str:
    """Which files could not be read, and why."""
    rows = ''.join(f'<li><b>{escape(name)}</b>: {escape(reason)}</li>' for name, reason in reasons.items())
    what = 'This file could not be read' if len(reasons) == 1 else 'These files could not be read'
    return f'<div class="problem" role="alert"><p>{what}:</p><ul>{rows}</ul></div>' if reasons else ''


def trouble(message: str) -> str:
    """What went wrong, as a sentence."""
    return f'<div class="problem" role="alert"><p>{escape(message)}</p></div>'


def hole(item: Item) -> str:
    """What was found, and what to do next."""
    share = f'{max(item.share, 0.001):.1%}' if item.share < 0.1 else f'{item.share:.0%}'
    if item.confidence is None:
        if item.hole.any():
            return _step('Your hole', f'{share} of the photograph will be filled.')
        return _step('No hole', 'Nothing will be filled; the photograph gets its colors.')
    if item.hole.any():
        return _step(
            'Hole found',
            f'The red area, {share} of the photograph, will be filled. Is it right? Brush and eraser correct it.',
            f'{item.confidence:.0%} sure',
        )
    if item.confidence > 0:
        return _step('Perhaps a hole', 'What was found is too doubtful. Paint the hole if there is one.')
    return _step('No hole found', 'If there is one, paint it. Otherwise only colors are added.')


def running(done: int, total: int, seconds_left: float | None) -> str:
    """How far it is."""
    share = done / total if total else 0
    left = '' if seconds_left is None else f', {duration(seconds_left)} left'
    value = f' max="1" value="{share:.3f}"' if done else ''
    bar = f'<progress{value} aria-label="Progress"></progress>'
    return f'<div class="step" role="status"><p><b>Restoring</b>{left}</p>{bar}</div>'


def result(item: Item) -> str:
    """That it is done, and what is worth knowing."""
    height, width = item.file.gray.shape
    notes = ''.join(f'<li>{escape(note[:1].upper() + note[1:])}.</li>' for note in item.notes)
    return _step('Restored', f'{width} x {height} pixels. Move the handle to compare.') + (
        f'<ul class="notes">{notes}</ul>' if notes else ''
    )


def choices(work: Work) -> list[tuple[str, int]]:
    """Photographs as a list to choose from."""
    return [(f'{number + 1} of {len(work.items)}: {item.name}', number) for number, item in enumerate(work.items)]


def cards(cards: Sequence[Mapping[str, Any]]) -> str:
    """What is known of each checkpoint of a choice."""
    return ''.join(
        f'<dl class="card"><dt>Model</dt><dd>{escape(card["name"])}</dd><dt>Networks</dt>'
        f'<dd>{escape(card["networks"])}</dd><dt>Scores</dt><dd>{_scores(card["metrics"])}</dd></dl>'
        for card in cards
    )


def _scores(metrics: Mapping[str, Any]) -> str:
    told = [f'{_METRICS[name]} {value:.3f}' for name, value in metrics.items() if name in _METRICS]
    return escape(', '.join(told)) or 'not measured'


def duration(seconds: float) -> str:
    """About how long, in words."""
    if seconds < 1.5:
        return 'about a second'
    return f'about {seconds:.0f} seconds' if seconds < 90 else f'about {seconds / 60:.0f} minutes'


def _step(title: str, text: str, sure: str = '') -> str:
    badge = f'<span class="badge">{sure}</span>' if sure else ''
    return f'<div class="step" role="status"><h2>{title}{badge}</h2><p>{text}</p></div>'
