import cv2
import numpy as np
import pytest
import torch

from tests.plugins.test_layouts import batch, build, gradients_reach
from toolbox.images.color import luma, to_uint8
from toolbox.nn.hue import correlation, hue_histogram
from toolbox.training.phases import PhasePlan

SIDES = dict(color_side=32, hole_side=32)


def restorer(**options):
    layout = build('ChromaClasses', **{**SIDES, **options})
    torch.manual_seed(1)
    for parameter in layout.parameters():  # heads begin at zero: give them something to say
        if parameter.ndim > 1 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return layout.eval()


def test_networks_and_targets():
    layout = build('ChromaClasses')
    assert {name for name, _ in layout.named_children()} == {'gray_net', 'color_net'}
    assert layout.targets(batch()).keys() == {'rgb', 'gray', 'classes', 'palette'}


def test_colors_teach_the_color_network_and_gray_the_other():
    layout, data = build('ChromaClasses', **SIDES).train(), batch()
    assert gradients_reach(layout, 'gray', data) == {'gray_net'}
    assert gradients_reach(layout, 'classes', data) == {'color_net'}
    assert gradients_reach(layout, 'palette', data) == {'color_net'}


@pytest.mark.parametrize('name', ['gray', 'color'])
def test_one_network_trains_while_the_other_stays_as_it_is(name):
    layout, data = build('ChromaClasses', **SIDES, train_only=name), batch()
    plan = PhasePlan(layout.train())
    plan.begin_step(0, 1)
    before = {key: value.clone() for key, value in layout.state_dict().items()}
    restored, targets = layout(data.damaged, data.mask), layout.targets(data)
    found = {'gray': restored.gray, 'rgb': restored.rgb, **restored.extra}
    loss = sum((found[on] - targets[on]).abs().mean() for on in plan.current.losses)
    loss.backward()
    torch.optim.SGD([weight for weight in layout.parameters() if weight.grad is not None], lr=0.1).step()
    changed = {key.partition('_net')[0] for key, value in layout.state_dict().items() if not value.equal(before[key])}
    assert name in changed
    assert {'gray': 'color', 'color': 'gray'}[name] not in changed


@pytest.mark.parametrize('colors', ['natural', 'matched'])
@pytest.mark.parametrize(('height', 'width'), [(24, 32), (70, 41), (3, 50)])
def test_known_luma_is_kept_in_both_readings_at_any_size(colors, height, width):
    data = batch(max(height, 24), max(width, 32))
    damaged, mask = data.damaged[..., :height, :width], data.mask[..., :height, :width]
    with torch.no_grad():
        restored = restorer(colors=colors)(damaged, mask)
    assert restored.rgb.shape == (2, 3, height, width)
    off = (luma(restored.rgb) - damaged).abs()[mask == 0]
    assert off.max() < 1.5 / 255
    assert torch.equal(restored.gray[mask == 0], damaged[mask == 0])


def test_a_matched_reading_has_the_hues_of_its_palette():
    data = batch(64, 96)
    with torch.no_grad():
        restored = restorer(colors='matched')(0.25 + data.damaged / 2, data.mask * 0)
    histogram = np.stack(
        [
            cv2.calcHist([cv2.cvtColor(image, cv2.COLOR_RGB2HSV)], [0], None, [180], [0, 180]).ravel()
            for image in to_uint8(restored.rgb).movedim(1, -1).numpy()
        ]
    )
    np.testing.assert_array_equal(histogram, hue_histogram(to_uint8(restored.rgb).float() / 255))
    assert correlation(torch.from_numpy(histogram), restored.extra['palette'].flatten(1)).min() > 0.95


def test_strength_scales_color_down_to_gray():
    data = batch()
    with torch.no_grad():
        none, some, much = (restorer(strength=s)(data.damaged, data.mask).rgb for s in (0.0, 0.5, 1.5))
    assert (none - none.mean(1, keepdim=True)).abs().max() < 1e-5
    chroma = [(rgb.amax(1) - rgb.amin(1)).mean() for rgb in (none, some, much)]
    assert chroma[0] < chroma[1] < chroma[2]


def test_a_mirrored_photograph_comes_out_mirrored():
    data = batch(32, 32)
    layout = restorer()
    with torch.no_grad():
        one = layout(data.damaged, data.mask * 0).rgb
        other = layout(data.damaged.flip(-1), data.mask * 0).rgb.flip(-1)
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(colors='pretty'), r"colors: expected one of 'natural', 'matched'"),
        (dict(temperature=0), 'temperature=0'),
        (dict(strength=2), r'strength=2: expected a number from 0 to 1\.5'),
        (dict(color_stride=3), 'a power of two'),
        (dict(hole_side=8), '32 or more'),
        (dict(train_only='hole'), r"train_only: expected one of None, 'gray', 'color'"),
    ],
)
def test_wrong_options_are_errors(options, message):
    with pytest.raises(ValueError, match=message):
        build('ChromaClasses', **options)
