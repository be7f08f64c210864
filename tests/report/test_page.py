"""The pieces of a page: markup that escapes, tables, drawings, pictures."""

import base64
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from toolbox.report.charts import Point, histogram, intervals, scatter, strokes
from toolbox.report.charts.axis import Axis, tick_labels
from toolbox.report.charts.curves import spread
from toolbox.report.images import data_uri, error_map
from toolbox.report.page import Html, Number, element, facts, joined, section, settings, table, write_page
from toolbox.report.pictures import gallery, longest_side
from toolbox.scoring.intervals import Interval

NASTY = '<script>alert("x")</script>&\'"'
ESCAPED = '&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#x27;&quot;'


def test_text_is_escaped_and_markup_is_not():
    assert element('p', NASTY, element('b', 'x < y')) == f'<p>{ESCAPED}<b>x &lt; y</b></p>'
    assert element('p', [NASTY, Html('<i></i>')]) == f'<p>{ESCAPED}<i></i></p>'
    assert joined([1, ' & ', 2.5]) == '1 &amp; 2.5'


def test_attributes_are_escaped_and_named_as_in_html():
    assert element('a', class_='x', data_value=NASTY, title=None) == f'<a class="x" data-value="{ESCAPED}"></a>'
    assert element('img', src='data:,') == '<img src="data:,">'


@pytest.mark.parametrize(
    'piece',
    [
        lambda: section(NASTY, NASTY, note=NASTY),
        lambda: table([NASTY], [[NASTY]], sortable=True),
        lambda: gallery([(NASTY, np.zeros((4, 4), np.uint8))], NASTY, NASTY),
        lambda: facts({NASTY: NASTY}),
        lambda: settings({NASTY: NASTY}),
        lambda: histogram(np.arange(5.0), (0, 4), NASTY),
        lambda: intervals({NASTY: Interval(0.5, 0.4, 0.6)}, NASTY, NASTY),
    ],
)
def test_no_piece_lets_foreign_text_act(piece):
    assert '<script' not in piece()


def test_tables_sort_by_full_values_and_show_short_ones():
    markup = table(['name', 'score', 'n'], [['a', 0.123456789, 1234]], sortable=True)
    assert 'class="number" data-value="0.123456789" data-label="score" role="cell">0.1235</td>' in markup
    assert 'class="number" data-value="1234.0" data-label="n" role="cell">1,234</td>' in markup
    assert '<th scope="col" class="number" role="columnheader"><button type="button">score</button></th>' in markup
    assert '<tbody role="rowgroup"></tbody>' in table(['empty'], [])


def test_a_page_stands_alone(tmp_path):
    write_page(tmp_path / 'page.html', 'Title & more', section('Part', 'text'), lead='Lead')
    text = (tmp_path / 'page.html').read_text(encoding='utf-8')
    assert text.startswith('<!doctype html>')
    assert '<title>Title &amp; more</title>' in text
    assert 'default-src &#x27;none&#x27;' in text
    assert not any(word in text for word in ('http://', 'https://', '@import', '<link'))


@pytest.mark.parametrize('values', [np.linspace(0, 1, 50), np.full(9, 0.5), np.array([0.3])])
def test_a_histogram_counts_every_value(values):
    markup = ElementTree.fromstring(histogram(values, (values.min(), values.max()), 'x'))
    heights = np.array([float(bar.get('height')) for bar in markup.iter('rect')])
    counts = np.histogram(values, 24)[0]
    np.testing.assert_allclose(heights / heights.max(), counts[counts > 0] / counts.max(), atol=0.01)
    titles = [text.text for text in markup.iter('text') if text.get('class') == 'title']
    assert titles == ['images', 'x']
    shown = [text.text for text in markup.iter('text') if text.get('text-anchor') == 'end' and not text.get('class')]
    assert '0' in shown  # the axis of counts begins at none
    assert all(label.isdigit() for label in shown)


def test_intervals_share_an_axis():
    nan = float('nan')
    rows = {'a': Interval(0.5, 0.4, 0.6), 'b': Interval(0.2, 0.1, 0.3), 'none': Interval(0.1, nan, nan)}
    markup = ElementTree.fromstring(intervals(rows, 'score', 'x'))
    dots = [float(dot.get('cx').rstrip('%')) for dot in markup.iter('circle')]
    assert dots == sorted(dots, reverse=True)
    assert len([line for line in markup.iter('line') if line.get('class') == 'span']) == 2
    assert [text.text for text in markup.iter('text') if text.get('class') == 'title'] == ['score']


def test_pictures_are_scaled_down_but_never_up():
    def size(image: np.ndarray) -> tuple[int, int]:
        content = base64.b64decode(data_uri(image).partition(',')[2])
        return Image.open(io.BytesIO(content)).size

    assert size(np.zeros((480, 960, 3), np.uint8)) == (240, 120)
    assert size(np.zeros((20, 30), np.uint8)) == (30, 20)


def test_the_error_map_is_white_where_nothing_is_wrong():
    truth = np.full((6, 6, 3), 100, np.uint8)
    output = truth.copy()
    output[0, 0] = 164
    output[5, 5] = 255
    hole = np.zeros((6, 6), np.uint8)
    hole[2, 2] = 1
    colored = error_map(output, truth, hole)
    assert tuple(colored[0, 5]) == (255, 255, 255)
    assert tuple(colored[0, 0]) == tuple(colored[5, 5]) != (255, 255, 255)
    assert tuple(colored[2, 2]) == (255, 255, 255)
    assert {tuple(colored[place]) for place in ((1, 2), (3, 2), (2, 1), (2, 3))} == {(0, 150, 170)}


def test_what_is_missing_is_a_dash_that_sorts_last():
    markup = table(['name', 'score'], [['a', None], ['b', float('nan')], ['c', Number(0.5, '½')]], sortable=True)
    assert markup.count('<td class="number" data-value="nan" data-label="score" role="cell">–</td>') == 2  # noqa: RUF001
    assert 'data-value="0.5" data-label="score" role="cell">½</td>' in markup


def test_a_missing_picture_is_said():
    markup = gallery([('output', None), ('truth', np.zeros((4, 4), np.uint8))], 'x', '')
    assert markup.count('no picture') == markup.count('<img') == 1


@pytest.mark.parametrize(('low', 'high'), [(0, 1), (-0.0123, 0.0456), (2.39e7, 2.4e7), (-1e-5, 3e-5), (5, 5), (0, 0)])
def test_axes_have_few_round_ticks_with_labels_of_their_own(low, high):
    axis = Axis.around([low, high, float('nan')])
    ticks = axis.ticks(6)
    assert 2 <= len(ticks) <= 6
    assert all(axis.low <= tick <= axis.high for tick in ticks)
    assert len(set(tick_labels(ticks))) == len(ticks)
    assert 0 <= axis.part(low) <= axis.part(high) <= 1


@pytest.mark.parametrize('places', [[5, 5, 5, 5], [99, 98, 97], [10, 30, 31, 90], [50], [0, 100]])
def test_names_beside_lines_make_room_for_each_other(places):
    moved = spread(places, distance=12, end=100)
    assert np.diff(np.sort(moved)).min(initial=12) >= 12 - 1e-9
    assert np.argsort(moved, kind='stable').tolist() == np.argsort(places, kind='stable').tolist()
    assert 6 <= min(moved) <= max(moved) <= 94


def test_lines_of_a_drawing_look_different():
    assert len(set(strokes(20))) == 20
    assert strokes(20)[0].dashes == ''


@pytest.mark.parametrize('spread_x', [0.0, 1.0])
def test_names_of_points_cover_neither_each_other_nor_points(spread_x):
    rng = np.random.default_rng(3)
    points = [
        Point(f'an arm {number}', 20 + spread_x * rng.normal(), 0.6 + rng.normal(0, 0.01), '#000')
        for number in range(12)
    ]
    markup = ElementTree.fromstring(scatter(points, 'x', 'y'))
    assert {svg.get('class') for svg in markup} == {'wide', 'narrow'}
    markup = next(svg for svg in markup if svg.get('class') == 'wide')
    names = [text for text in markup.iter('text') if text.get('class') == 'label']
    boxes = [
        (float(name.get('x')) - 28, float(name.get('y')) - 10, float(name.get('x')) + 28, float(name.get('y')) + 3)
        for name in names
    ]
    dots = [(float(dot.get('cx')), float(dot.get('cy'))) for dot in markup.iter('circle')]
    assert len(names) == len(dots) == 12
    for number, (left, top, right, bottom) in enumerate(boxes):
        assert not any(left < x < right and top < y < bottom for x, y in dots)
        for other in boxes[number + 1 :]:
            assert left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]


def test_many_pictures_are_smaller_so_that_a_page_can_still_be_sent():
    assert longest_side(48) == 512
    assert 240 < longest_side(200) < 512
    assert longest_side(5000) == 240


def test_the_contents_lead_to_every_section(tmp_path):
    parts = [section('The first part', 'a'), section('Score: 1/2', 'b', note='n')]
    write_page(tmp_path / 'page.html', 'a/long/title', *parts)
    text = (tmp_path / 'page.html').read_text(encoding='utf-8')
    assert '<a href="#part-the-first-part">The first part</a>' in text
    assert '<section id="part-score-1-2">' in text
    assert '<h1>a/<wbr>long/<wbr>title</h1>' in text
