"""Named points in a plane."""

from collections.abc import Sequence
from typing import NamedTuple

from toolbox.report.charts.axis import Axis, tick_labels
from toolbox.report.charts.svg import shortened, text
from toolbox.report.page import Html, element

# Names make room for each other, so the drawing cannot stretch: there is one for wide screens and one for narrow ones.
_WIDTHS = {'wide': 440, 'narrow': 300}
_HEIGHT = 320
_LEFT, _RIGHT, _TOP, _FOOT = 46, 10, 26, 42
_LETTER, _LINE, _LONGEST = 6.7, 14, 28  # pixels of a letter, of a line; letters


class Point(NamedTuple):
    """A point with its name; hollow for what is not quite comparable."""

    name: str
    x: float
    y: float
    color: str
    hollow: bool = False
    title: str = ''


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def shared(self, other: '_Box') -> float:
        """The area that two boxes share."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0) * max(height, 0)


def scatter(points: Sequence[Point], x_name: str, y_name: str) -> Html:
    """Points on two axes, named where there is room: close by, or at the end of a thin line."""
    drawn = [_drawing(points, x_name, y_name, kind, width) for kind, width in _WIDTHS.items()]
    return element('div', *drawn, class_='sized')


def _drawing(points: Sequence[Point], x_name: str, y_name: str, kind: str, full_width: int) -> Html:
    x_axis, y_axis = Axis.around([p.x for p in points], room=0.1), Axis.around([p.y for p in points], room=0.1)
    width, height = full_width - _LEFT - _RIGHT, _HEIGHT - _TOP - _FOOT
    places = [(_LEFT + width * x_axis.part(p.x), _TOP + height * (1 - y_axis.part(p.y))) for p in points]
    marks = [*_x_scale(x_axis, width, x_name), *_y_scale(y_axis, width, height, y_name)]
    names = [shortened(point.name, _LONGEST) for point in points]
    boxes = _name_boxes(places, names, full_width)
    for point, (x, y), box, name in zip(points, places, boxes, names, strict=True):
        content = [element('title', point.title or point.name)]
        edge = min(max(x, box.left), box.right), min(max(y, box.top), box.bottom)
        if abs(edge[0] - x) + abs(edge[1] - y) > _LINE:
            content.append(_line(x, y, *edge, 'leader'))
        fill = 'var(--paper)' if point.hollow else point.color
        looks = {'fill': fill, 'stroke': point.color, 'class_': 'point'}
        content.append(element('circle', cx=f'{x:.1f}', cy=f'{y:.1f}', r=5, **looks))
        middle = round((box.left + box.right) / 2, 1)
        content.append(text(middle, round(box.bottom - 3, 1), name, 'middle', 'label'))
        marks.append(element('g', *content, data_name=point.name))
    label = f'{y_name} against {x_name} of {len(points)} arms'
    return element('svg', *marks, width=full_width, height=_HEIGHT, role='img', aria_label=label, class_=kind)


def _name_boxes(places: Sequence[tuple[float, float]], names: Sequence[str], full_width: int) -> list[_Box]:
    """A place for each name, from near to far, where it covers no other name and no point, if there is one."""
    taken = [_Box(x - 6, y - 6, x + 6, y + 6) for x, y in places]
    boxes = []
    # From the top down: names that have to give way then do so in order, and their lines do not cross.
    for number in sorted(range(len(places)), key=lambda number: places[number][1]):
        x, y = places[number]
        width = _LETTER * len(names[number]) + 2
        best = min(_candidates(x, y, width, full_width), key=lambda box: _cost(box, taken, x, y))
        taken.append(best)
        boxes.append((number, best))
    return [box for _, box in sorted(boxes)]


def _candidates(x: float, y: float, width: float, full_width: int) -> list[_Box]:
    shifts = [0, *(sign * step * _LINE for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12) for sign in (-1, 1))]
    starts = [x + 9, x - 9 - width, x - width / 2, x + 24, x - 24 - width, x + 60, x - 60 - width]
    half = _LINE / 2
    boxes = [_Box(start, y + shift - half, start + width, y + shift + half) for start in starts for shift in shifts]
    return [box for box in boxes if box.left > _LEFT - 4 and box.right < full_width] or boxes


def _cost(box: _Box, taken: Sequence[_Box], x: float, y: float) -> float:
    outside = max(0, _TOP - 8 - box.top) + max(0, box.bottom - (_HEIGHT - _FOOT + 2))
    distance = abs((box.left + box.right) / 2 - x) / 4 + abs((box.top + box.bottom) / 2 - y)
    return 100 * sum(box.shared(other) for other in taken) + 1000 * outside + distance


def _x_scale(axis: Axis, width: float, name: str) -> list[Html]:
    ticks = axis.ticks(5)
    floor = _HEIGHT - _FOOT
    marks = [_line(_LEFT, floor, _LEFT + width, floor, 'axis')]
    for tick, shown in zip(ticks, tick_labels(ticks), strict=True):
        x = _LEFT + width * axis.part(tick)
        marks += [_line(x, floor, x, floor + 4, 'tick'), text(round(x, 1), floor + 18, shown, 'middle')]
    return [*marks, text(_LEFT + width / 2, _HEIGHT - 4, name, 'middle', 'title')]


def _y_scale(axis: Axis, width: float, height: float, name: str) -> list[Html]:
    ticks = axis.ticks(6)
    marks = [text(0, 12, name, class_='title')]
    for tick, shown in zip(ticks, tick_labels(ticks), strict=True):
        y = round(_TOP + height * (1 - axis.part(tick)), 1)
        marks += [_line(_LEFT, y, _LEFT + width, y, 'axis'), text(_LEFT - 8, y + 4, shown, 'end')]
    return marks


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    return element('line', x1=f'{x1:.1f}', y1=f'{y1:.1f}', x2=f'{x2:.1f}', y2=f'{y2:.1f}', class_=kind)
