"""The page's parts and how they lie; what they do is in `toolbox.web.actions`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gradio as gr

from toolbox.imageio import IMAGE_SUFFIXES
from toolbox.web import words
from toolbox.web.models import Models
from toolbox.web.work import Work

# Of the hole on the photograph.
HOLE_COLOR = (226, 61, 94)
HOLE_ALPHA = 150
CSS = Path(__file__).with_name('page.css')
# Files that nobody fetched any more: looked for each ten minutes, removed after an hour.
_LOOK_SECONDS, _KEEP_SECONDS = 600, 3600
_FONTS = ('system-ui', '-apple-system', 'Segoe UI', 'Roboto', 'Helvetica Neue', 'Arial', 'sans-serif')


@dataclass
class Parts:
    """What of the page changes, or is read; in the order in which it is seen."""

    work: gr.State
    start: gr.Column
    drop: gr.File
    trouble: gr.HTML
    bar: gr.Row
    photos: gr.Dropdown
    again: gr.Button
    status: gr.HTML
    holes: gr.Column
    editor: gr.ImageEditor
    restore: gr.Button
    no_hole: gr.Button
    find: gr.Button
    cancel: gr.Button
    result: gr.Column
    slider: gr.ImageSlider
    download: gr.DownloadButton
    archive: gr.DownloadButton
    correct: gr.Button
    colored: gr.Column
    strength: gr.Slider
    view: gr.Radio
    more: gr.Accordion
    model: gr.Dropdown
    card: gr.HTML
    colors: gr.Radio
    tta: gr.Radio
    tile: gr.Number

    def all(self) -> list[Any]:
        """Each of them, for events that may change any."""
        return [getattr(self, part.name) for part in fields(self)]


def theme() -> gr.themes.Base:
    """Calm, in the colors of the reports, with the system's own fonts: nothing is fetched."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.cyan,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        font=_FONTS,
        font_mono=('ui-monospace', 'Menlo', 'Consolas', 'monospace'),
    ).set(
        body_background_fill='#f5f7f8',
        body_background_fill_dark='#12171c',
        block_background_fill='#ffffff',
        block_background_fill_dark='#1b2229',
        button_primary_background_fill='#0f6f83',
        button_primary_background_fill_hover='#0b5a6b',
        button_primary_background_fill_dark='#5cc4d8',
        button_primary_background_fill_hover_dark='#7bd3e3',
        button_primary_text_color='#ffffff',
        button_primary_text_color_dark='#0e1a1e',
        slider_color='#0f6f83',
        slider_color_dark='#5cc4d8',
        block_label_text_color='#3b4853',
        block_label_text_color_dark='#c3ccd4',
        block_info_text_color='#56636f',
        block_info_text_color_dark='#a5b1bc',
    )


def build(models: Models, examples: Mapping[str, Path], home: Path, is_local: bool) -> tuple[gr.Blocks, Parts, list]:
    """The page without its actions.

    Args:
        models: what may be chosen.
        examples: photographs to try, by what they are called.
        home: the folder below which outputs are written.
        is_local: whether nobody but this computer's people can see the page.

    Returns:
        The page, its parts, and the buttons of the examples.
    """
    with gr.Blocks(
        title='Huefill', analytics_enabled=False, delete_cache=(_LOOK_SECONDS, _KEEP_SECONDS), fill_width=False
    ) as page:
        work = gr.State(Work(home), time_to_live=_KEEP_SECONDS, delete_callback=Work.close)
        gr.HTML(words.head(is_local), elem_id='head')
        start = _start(examples)
        trouble = gr.HTML(visible=False)
        parts = Parts(
            work=work,
            trouble=trouble,
            **start.pop('parts'),
            **_bar(),
            status=gr.HTML(visible=False, elem_id='status'),
            **_holes(),
            cancel=gr.Button('Cancel', visible=False, elem_id='cancel'),
            **_result(),
            **_more(models),
        )
    return page, parts, start['buttons']


def _start(examples: Mapping[str, Path]) -> dict[str, Any]:
    with gr.Column(elem_id='start') as start:
        drop = gr.File(
            label='Photographs',
            file_count='multiple',
            file_types=sorted(IMAGE_SUFFIXES),
            height=200,
            elem_id='drop',
        )
        buttons = []
        if examples:
            gr.HTML('No photograph at hand? Try one of these.', elem_id='examples-note')
            with gr.Row(elem_id='examples'):
                buttons = [gr.Button(label, icon=path, min_width=80) for label, path in examples.items()]
    return {'parts': {'start': start, 'drop': drop}, 'buttons': buttons}


def _bar() -> dict[str, Any]:
    with gr.Row(visible=False, elem_id='bar', equal_height=True) as bar:
        photos = gr.Dropdown(label='Photograph', filterable=False, scale=4, elem_id='photos', min_width=180)
        again = gr.Button('Other photographs', size='sm', scale=1, min_width=150, elem_id='again')
    return dict(bar=bar, photos=photos, again=again)


def _holes() -> dict[str, Any]:
    color = f'rgba({", ".join(map(str, HOLE_COLOR))}, {HOLE_ALPHA / 255:.2f})'
    with gr.Column(visible=False, elem_id='holes') as holes:
        editor = gr.ImageEditor(
            label='The hole, in red: paint with the brush, remove with the eraser',
            show_label=False,
            sources=(),
            transforms=(),
            layers=False,
            buttons=[],
            format='png',
            brush=gr.Brush(default_size=24, colors=[color], default_color=color, color_mode='fixed'),
            eraser=gr.Eraser(default_size=24),
            elem_id='editor',
        )
        with gr.Row(elem_id='next'):
            restore = gr.Button('Restore', variant='primary', scale=2, min_width=140, elem_id='restore')
            no_hole = gr.Button('No hole', scale=1, min_width=100, elem_id='no-hole')
            find = gr.Button('Find the hole', scale=1, min_width=100, elem_id='find')
    return dict(holes=holes, editor=editor, restore=restore, no_hole=no_hole, find=find)


def _result() -> dict[str, Any]:
    with gr.Column(visible=False, elem_id='result') as result:
        slider = gr.ImageSlider(
            label='Before and after', show_label=False, buttons=['fullscreen'], elem_id='compare', max_height=640
        )
        with gr.Row(elem_id='files'):
            download = gr.DownloadButton('Download PNG', variant='primary', scale=2, min_width=140, elem_id='download')
            archive = gr.DownloadButton('Download all', scale=1, min_width=120, elem_id='archive')
            correct = gr.Button('Change the hole', scale=1, min_width=120, elem_id='correct')
        with gr.Row(elem_id='look', equal_height=True):
            with gr.Column(scale=3, min_width=220) as colored:
                strength = gr.Slider(
                    0,
                    1.5,
                    value=1,
                    step=0.05,
                    label='Strength of color',
                    info='0 is gray, 1 what the model says',
                    elem_id='strength',
                    buttons=['reset'],
                )
            view = gr.Radio(['Color', 'Gray'], value='Color', label='Show', scale=1, min_width=160, elem_id='view')
    return dict(
        result=result,
        slider=slider,
        download=download,
        archive=archive,
        correct=correct,
        colored=colored,
        strength=strength,
        view=view,
    )


def _more(models: Models) -> dict[str, Any]:
    with gr.Accordion('More', open=False, elem_id='more') as more:
        several = len(models.choices) > 1
        model = gr.Dropdown(
            list(models.choices),
            value=models.default,
            label='Model',
            visible=several,
            elem_id='model',
            filterable=False,
        )
        card = gr.HTML(words.cards(models.cards(models.default)), elem_id='card')
        colors = gr.Radio(
            [('Natural, for the eye', 'natural'), ('Matched, for the leaderboard', 'matched')],
            value='natural',
            label='Colors',
            elem_id='colors',
        )
        tta = gr.Radio(
            [('Once', 'none'), ('Mirrored too, twice the time', 'flip'), ('In 8 symmetries, 8 times the time', 'd4')],
            value='none',
            label='Each photograph is seen',
            elem_id='tta',
        )
        tile = gr.Number(
            value=None,
            precision=0,
            minimum=0,
            label='Tiles',
            info='Side in pixels; empty for what suits the model, 0 for none',
            elem_id='tile',
        )
    return dict(more=more, model=model, card=card, colors=colors, tta=tta, tile=tile)
