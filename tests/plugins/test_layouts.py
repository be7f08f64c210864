import copy

import pytest
import torch

from toolbox.images.color import luma, rgb_from_chroma, to_float, to_uint8, with_luma
from toolbox.nn.hue import hue_histogram
from toolbox.nn.network import NetworkFactory
from toolbox.plugin.checks.layouts import violations
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import ATTENTION, LAYOUTS
from toolbox.plugin.types import Batch, Phase, Restored

discover_plugins()

ALL = sorted(LAYOUTS.module_dict)
DECODER = {'type': 'Unet', 'decoder_channels': (8, 8, 8)}


def build(name, attention='none', **options):
    make_network = NetworkFactory({'type': 'TinyEncoder'}, {'type': attention}, DECODER)
    torch.manual_seed(0)
    return LAYOUTS.build({'type': name, **options}, make_network=make_network)


def batch(height=24, width=32):
    generator = torch.Generator().manual_seed(0)
    rgb = torch.rand(2, 3, height, width, generator=generator)
    mask = torch.zeros(2, 1, height, width)
    mask[..., 4:12, 8:20] = 1
    gray = luma(rgb)
    return Batch(['a', 'b'], torch.where(mask > 0, 0.3, gray), mask, gray, rgb, mask)


def gradients_reach(layout, name, data):
    """The networks that a loss on target `name` would train."""
    layout.zero_grad(set_to_none=True)
    layout(data.damaged, data.mask)[name].square().mean().backward()
    children = layout.named_children()
    return {child for child, net in children if any(parameter.grad is not None for parameter in net.parameters())}


@pytest.mark.parametrize('attention', sorted(ATTENTION.module_dict))
@pytest.mark.parametrize('name', ALL)
def test_every_attention_with_every_layout_takes_a_step(name, attention):
    layout, data = build(name, attention).train(), batch()
    optimizer = torch.optim.SGD(layout.parameters(), lr=1e-4)
    losses = []
    for _ in range(2):
        restored, targets = layout(data.damaged, data.mask), layout.targets(data)
        loss = sum(torch.nn.functional.mse_loss(restored[key], targets[key]) for key in targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[1] < losses[0]


@pytest.mark.parametrize(
    ('name', 'channels', 'targets'),
    [
        ('OneStage', {'color_net': (1, 3)}, {'rgb', 'gray'}),
        ('TwoStage', {'gray_net': (1, 1), 'color_net': (1, 3)}, {'rgb', 'gray'}),
        ('TwoStageDetached', {'gray_net': (1, 1), 'color_net': (1, 3)}, {'rgb', 'gray'}),
        ('TwoStageSequential', {'gray_net': (1, 1), 'color_net': (1, 3)}, {'rgb', 'gray'}),
        ('Chroma', {'gray_net': (1, 1), 'color_net': (1, 2)}, {'rgb', 'gray', 'chroma'}),
        ('MaskAware', {'gray_net': (2, 1), 'color_net': (2, 3)}, {'rgb', 'gray'}),
        ('Recurrent', {'color_net': (4, 3)}, {'rgb', 'gray', 'step_1', 'step_2'}),
        (
            'Palette',
            {'gray_net': (2, 1), 'color_net': (1, 3), 'palette_net': (1, 180)},
            {'rgb', 'gray', 'chroma', 'colorfulness', 'palette'},
        ),
    ],
)
def test_networks_and_targets(name, channels, targets):
    layout = build(name)
    networks = dict(layout.named_children())
    assert networks.keys() == channels.keys()
    for network, (in_channels, out_channels) in channels.items():
        assert networks[network].encoder.stages[0][0].in_channels == in_channels
        assert networks[network].head.out_channels == out_channels
    assert layout.targets(batch()).keys() == targets


@pytest.mark.parametrize(
    ('name', 'by_gray', 'by_rgb'),
    [
        ('TwoStage', {'gray_net'}, {'gray_net', 'color_net'}),
        ('TwoStageDetached', {'gray_net'}, {'color_net'}),
        ('TwoStageSequential', {'gray_net'}, {'color_net'}),
        ('Chroma', {'gray_net'}, {'gray_net', 'color_net'}),
        ('MaskAware', {'gray_net'}, {'gray_net', 'color_net'}),
        ('OneStage', {'color_net'}, {'color_net'}),
        ('Recurrent', {'color_net'}, {'color_net'}),
        ('Palette', {'gray_net'}, {'gray_net', 'color_net'}),
    ],
)
def test_which_loss_trains_which_network(name, by_gray, by_rgb):
    layout, data = build(name), batch()
    assert gradients_reach(layout, 'gray', data) == by_gray
    assert gradients_reach(layout, 'rgb', data) == by_rgb


def zero_heads(layout):
    """All networks predict 0."""
    for network in layout.children():
        torch.nn.init.zeros_(network.head.weight)
    return layout


@pytest.mark.parametrize(
    ('name', 'options', 'gray', 'rgb'),
    [
        ('TwoStage', {}, 'damaged', 0),
        ('TwoStage', {'residual': False, 'color_residual': True}, 0, 0),
        ('TwoStage', {'color_residual': True}, 'damaged', 'damaged'),
        ('OneStage', {}, None, 0),
        ('OneStage', {'residual': True}, None, 'damaged'),
        ('Recurrent', {}, None, 'damaged'),
        ('Chroma', {}, 'damaged', 'damaged'),
        ('MaskAware', {}, 'damaged', 0),
        ('Palette', {}, 'damaged', 'damaged'),
    ],
)
def test_what_a_network_that_predicts_nothing_leaves(name, options, gray, rgb):
    layout, data = zero_heads(build(name, **options)), batch()
    restored = layout(data.damaged, data.mask)
    expected = {'damaged': data.damaged, 0: torch.zeros_like(data.damaged)}
    if gray is None:
        assert restored.gray is None
    else:
        torch.testing.assert_close(restored.gray, expected[gray])
    torch.testing.assert_close(restored.rgb, expected[rgb].expand(-1, 3, -1, -1))


def test_stage_two_sees_the_restored_gray():
    layout, data = build('TwoStage').eval(), batch()
    restored = layout(data.damaged, data.mask)
    torch.testing.assert_close(restored.gray, data.damaged + layout.gray_net(data.damaged))
    torch.testing.assert_close(restored.rgb, layout.color_net(restored.gray))


def test_chroma_has_the_known_luma_outside_the_hole_and_the_restored_one_inside():
    layout, data = build('Chroma'), batch()
    for training in (True, False):
        restored = layout.train(training)(data.damaged, data.mask)
        known = data.mask == 0
        assert torch.equal(restored.gray[known], data.damaged[known])
        shown = restored.gray if training else restored.gray.clamp(0, 1)
        torch.testing.assert_close(luma(restored.rgb), shown, atol=1e-5, rtol=0)
    assert restored.rgb.min() >= 0
    assert restored.rgb.max() <= 1


def test_chroma_leaves_the_gamut_only_while_training():
    layout, data = build('Chroma'), batch()
    torch.nn.init.constant_(layout.color_net.head.bias, 0.5)
    assert layout.train()(data.damaged, data.mask).rgb.max() > 1
    assert layout.eval()(data.damaged, data.mask).rgb.max() <= 1


def test_the_output_has_the_predicted_palette_and_the_known_luma():
    layout, data = build('Palette').eval(), batch(64, 96)
    gray = (luma(data.rgb.clamp(0.3, 0.7)) * 255).round() / 255
    with torch.no_grad():
        layout.color_net.head.weight[2], layout.color_net.head.bias[2] = 0, 0.5  # enough color to have a hue
        restored = layout(gray, torch.zeros_like(gray))
    written = to_uint8(restored.rgb)
    shares = hue_histogram(to_float(written)) / gray[0].numel()
    torch.testing.assert_close(shares, restored['palette'].flatten(1), atol=1e-3, rtol=0)
    assert (luma(written.float()) - gray * 255).abs().max() <= 0.5 + 1e-3


def test_without_matching_colors_are_the_color_networks():
    layout, data = build('Palette', match=False).eval(), batch()
    with torch.no_grad():
        restored = layout(data.damaged, data.mask)
    expected = with_luma(rgb_from_chroma(restored.gray, restored['chroma']), restored.gray.clamp(0, 1))
    torch.testing.assert_close(restored.rgb, expected)


def test_the_palette_is_learned_on_the_hues_of_the_truth():
    layout, data = build('Palette'), batch()
    data.rgb[1] = torch.tensor([0.2, 0.6, 0.2]).view(3, 1, 1)
    palette = layout.targets(data)['palette']
    assert palette.shape == (2, 180, 1, 1)
    torch.testing.assert_close(palette.sum(1).flatten(), torch.ones(2))
    assert palette[1, 60] == 1


def test_mask_aware_pastes_what_is_known_and_looks_at_the_mask():
    layout, data = build('MaskAware').eval(), batch()
    restored = layout(data.damaged, data.mask)
    assert torch.equal(restored.gray[data.mask == 0], data.damaged[data.mask == 0])
    assert not torch.equal(restored.gray[data.mask == 1], data.damaged[data.mask == 1])
    blind = layout(data.damaged, torch.zeros_like(data.mask))
    assert torch.equal(blind.gray, data.damaged)
    assert not torch.allclose(blind.rgb, restored.rgb)


@pytest.mark.parametrize('steps', [1, 2, 4])
def test_recurrent_steps_share_a_network_and_build_on_each_other(steps):
    layout, data = build('Recurrent', steps=steps).eval(), batch()
    restored = layout(data.damaged, data.mask)
    colors = data.damaged.expand(-1, 3, -1, -1)
    for step in range(1, steps + 1):
        colors = colors + layout.color_net(torch.cat([data.damaged, colors], dim=1))
        torch.testing.assert_close(restored['rgb' if step == steps else f'step_{step}'], colors)
    assert restored.extra.keys() == {f'step_{step}' for step in range(1, steps)}


def test_sequential_stage_two_leaves_a_frozen_stage_one_alone():
    layout, data = build('TwoStageSequential', gray_share=0.3), batch()
    first, second = layout.phases()
    assert first == Phase(share=0.3, trainable=('gray_net',), losses=('gray',))
    assert second == Phase(share=0.7, trainable=('color_net',), losses=('rgb',))
    layout.gray_net.requires_grad_(False).eval()
    before = copy.deepcopy(layout.gray_net.state_dict())
    restored = layout(data.damaged, data.mask)
    assert not restored.gray.requires_grad
    restored.rgb.mean().backward()
    after = layout.gray_net.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in before)


@pytest.mark.parametrize(
    ('name', 'options', 'said'),
    [
        ('TwoStageSequential', {'gray_share': 1.0}, 'gray_share=1.0: expected a number between 0 and 1'),
        ('Palette', {'color_side': 0}, 'color_side=0: expected a positive number'),
        ('Palette', {'smooth': -1}, 'smooth=-1: expected a whole number, 0 or more'),
        ('Recurrent', {'steps': 0}, 'steps=0: expected a whole number'),
        ('Recurrent', {'steps': 2.0}, 'steps: Recurrent takes int here, got 2.0'),
    ],
)
def test_wrong_options_are_errors_in_words(name, options, said):
    with pytest.raises(ValueError, match=said):
        build(name, **options)


@pytest.mark.parametrize('name', ALL)
@pytest.mark.parametrize(('height', 'width'), [(1, 1), (5, 7)])
def test_small_images_go_through(name, height, width):
    layout, data = build(name).eval(), Batch.blank(height, width)
    with torch.no_grad():
        rgb = layout(data.damaged, data.mask).rgb
    assert rgb.shape == (1, 3, height, width)
    assert rgb.isfinite().all()


@pytest.mark.parametrize('name', ALL)
def test_runs_under_bfloat16_autocast_and_channels_last(name):
    layout, data = build(name, 'CBAM').to(memory_format=torch.channels_last).eval(), batch()
    with torch.no_grad():
        exact = layout(data.damaged, data.mask)
        with torch.autocast('cpu', dtype=torch.bfloat16):
            half = layout(data.damaged, data.mask)
    for key in layout.targets(data):
        assert half[key].dtype == torch.float32
        torch.testing.assert_close(half[key], exact[key], atol=0.1, rtol=0.1)


def test_the_contract_check_sees_planted_violations():
    two_stage, sequential = LAYOUTS.get('TwoStage'), LAYOUTS.get('TwoStageSequential')

    class NamesTooMuch(two_stage):
        def targets(self, batch):
            return {**super().targets(batch), 'edges': batch.gray}

    class Clipped(two_stage):
        def forward(self, damaged, mask):
            restored = super().forward(damaged, mask)
            return Restored(restored.rgb.detach(), restored.gray)

    class OfEmptyHoles(two_stage):
        def forward(self, damaged, mask):
            restored = super().forward(damaged, mask)
            return Restored(restored.rgb / mask.mean(), restored.gray)

    class HalfARun(sequential):
        def phases(self):
            return super().phases()[:1]

    class PhaseOfNothing(sequential):
        def phases(self):
            return (Phase(1.0, ('rgb_net',)),)

    class LossElsewhere(sequential):
        def phases(self):
            return (Phase(0.5, ('gray_net',), ('rgb',)), Phase(0.5, ('color_net',), ('rgb',)))

    said = {
        NamesTooMuch: "names 'edges', and the answer has no such prediction",
        Clipped: "a loss on 'rgb' would teach nothing",
        OfEmptyHoles: 'rgb holds values that are not finite, where the hole is nothing of the image',
        HalfARun: 'expected positive numbers that add up to 1',
        PhaseOfNothing: "phase 1 trains 'rgb_net', and the layout has no network of that name",
        LossElsewhere: "in phase 1, its losses ('rgb',) give 'gray_net' no gradient",
    }
    for plugin, words in said.items():
        problems = list(violations(plugin))
        assert any(words in problem for problem in problems), (plugin, problems)
