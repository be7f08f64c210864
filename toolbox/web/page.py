"""The page's parts and how they lie; what they do is in `toolbox.web.actions`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gradio as gr

from toolbox.images.io import IMAGE_SUFFIXES
from toolbox.web import words
from toolbox.web.models import Models
from toolbox.web.work import Work

_ROOM = Path(__file__).parent
CSS = _ROOM / 'page.css'
# Files that nobody fetched any more: looked for each ten minutes, removed after an hour.
_LOOK_SECONDS, _KEEP_SECONDS = 600, 3600
AS_SUITS = -1  # of tiles
_TILES = (256, 512, 1024)
_FONTS = ('system-ui', '-apple-system', 'Segoe UI', 'Roboto', 'Helvetica Neue', 'Arial', 'sans-serif')


@dataclass
class Parts:
    """What of the page changes, or is read; in the order in which it is seen."""

    work: gr.State
    start: gr.Column
    drop: gr.File
    trouble: gr.HTML
    top: gr.Row
    status: gr.HTML
    again: gr.Button
    photos: gr.Dropdown
    holes: gr.Column
    editor: gr.HTML
    painted: gr.Textbox
    following: gr.Row
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
    tile: gr.Dropdown

    def all(self) -> list[Any]:
        """Each of them, for events that may change any."""
        return [getattr(self, part.name) for part in fields(self)]


_TEAL = gr.themes.Color(
    *('#eef7f9', '#dceef2', '#b9dde5', '#8cc8d5', '#4fa9bb', '#0f6f83', '#0b5a6b', '#0a4c5a', '#093f4b', '#08343e'),
    '#06262e',
    name='teal',
)


def theme() -> gr.themes.Base:
    """Calm, in the colors of the reports, with the system's own fonts: nothing is fetched."""
    return gr.themes.Base(
        primary_hue=_TEAL,
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
        button_secondary_text_color='#1f2933',
        button_secondary_text_color_dark='#e4e9ed',
        checkbox_background_color_selected_dark='#5cc4d8',
        color_accent='#0f6f83',
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
        trouble = gr.HTML(visible=False, elem_id='trouble')
        parts = Parts(
            work=work,
            trouble=trouble,
            **start.pop('parts'),
            **_top(),
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


def _top() -> dict[str, Any]:
    with gr.Row(visible=False, elem_id='top') as top:
        status = gr.HTML(elem_id='status')
        again = gr.Button('Start over', size='sm', scale=0, min_width=90, elem_id='again')
    photos = gr.Dropdown(label='Photograph', filterable=False, visible=False, elem_id='photos')
    return dict(top=top, status=status, again=again, photos=photos)


def _holes() -> dict[str, Any]:
    with gr.Column(visible=False, elem_id='holes') as holes:
        editor = gr.HTML(
            html_template=(_ROOM / 'hole.html').read_text(encoding='utf-8'),
            js_on_load=(_ROOM / 'hole.js').read_text(encoding='utf-8'),
            elem_id='editor',
        )
        painted = gr.Textbox(visible=False)  # events fill it with what the canvas holds
        with gr.Row(elem_id='next') as following:
            restore = gr.Button('Restore', variant='primary', scale=2, min_width=140, elem_id='restore')
            no_hole = gr.Button('No hole', scale=1, min_width=100, elem_id='no-hole')
            find = gr.Button('Find the hole', scale=1, min_width=100, elem_id='find')
    return dict(
        holes=holes, editor=editor, painted=painted, following=following, restore=restore, no_hole=no_hole, find=find
    )


def _result() -> dict[str, Any]:
    with gr.Column(visible=False, elem_id='result') as result:
        slider = gr.ImageSlider(
            label='Before and after', show_label=False, buttons=['fullscreen'], elem_id='compare', max_height=640
        )
        with gr.Row(elem_id='files'):
            download = gr.DownloadButton('Download PNG', variant='primary', scale=2, min_width=140, elem_id='download')
            archive = gr.DownloadButton('Download all', scale=1, min_width=120, elem_id='archive')
            correct = gr.Button('Change hole', scale=1, min_width=120, elem_id='correct')
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
            view = gr.Radio(
                ['Color', 'Gray', 'Before'], value='Color', label='Show', scale=1, min_width=320, elem_id='view'
            )
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
        tile = gr.Dropdown(
            [('As suits the model', AS_SUITS), ('Whole photographs', 0), *((f'{side} px', side) for side in _TILES)],
            value=AS_SUITS,
            label='Tiles',
            info='Large photographs in pieces take less memory',
            filterable=False,
            elem_id='tile',
        )
    return dict(more=more, model=model, card=card, colors=colors, tta=tta, tile=tile)
