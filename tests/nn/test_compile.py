"""`torch.compile` makes one graph of each network and each layout: a break would end the graph, and what it gains.

The `eager` backend runs what was traced as it is, so that results are those of the layout itself.
"""

import pytest
import torch

from toolbox.nn.hole_window import restore_hole
from toolbox.nn.network import Network, NetworkFactory
from toolbox.plugin.checks.layouts import _small_network
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import LAYOUTS
from toolbox.plugin.types import Batch, Output, Restored

discover_plugins()

ALL = sorted(LAYOUTS.module_dict)
# Restoring, the window around the hole is as large as the hole asks for, which a graph cannot know.
WITH_A_BOUNDARY = {'ChromaClasses'}
TIMM = {'type': 'TimmEncoder', 'name': 'test_efficientnet', 'weights': None}
CBAM = {'type': 'CBAM', 'reduction': 2, 'at': 'top'}


@pytest.fixture(autouse=True)
def _traced_anew():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def build(name):
    """A layout of networks of one convolution each: what is traced is the layout."""
    torch.manual_seed(0)
    return LAYOUTS.build({'type': name}, make_network=_small_network)


def assert_equal_answers(layout, answer, batch):
    """Of the layout itself and of what was traced, from the same random state, with dropout."""
    torch.manual_seed(1)
    expected = layout(batch.damaged, batch.mask)
    assert isinstance(answer, Restored)
    torch.testing.assert_close(answer.rgb, expected.rgb)
    assert answer.extra.keys() == expected.extra.keys()


@pytest.mark.parametrize('name', ALL)
def test_a_training_layout_is_one_graph(name):
    layout, batch = build(name).train(), Batch.blank(32, 48, 2)
    compiled = torch.compile(layout, backend='eager', fullgraph=True)
    torch.manual_seed(1)
    answer = compiled(batch.damaged, batch.mask)
    sum(answer[key].float().mean() for key in layout.targets(batch)).backward()
    for network in layout.children():
        assert any(weight.grad is not None for weight in network.parameters())
    assert_equal_answers(layout, answer, batch)


@pytest.mark.parametrize('name', sorted(set(ALL) - WITH_A_BOUNDARY))
def test_a_restoring_layout_is_one_graph(name):
    layout, batch = build(name).eval(), Batch.blank(32, 48, 2)
    with torch.no_grad():
        answer = torch.compile(layout, backend='eager', fullgraph=True)(batch.damaged, batch.mask)
        assert_equal_answers(layout, answer, batch)


@pytest.mark.parametrize('name', sorted(WITH_A_BOUNDARY))
def test_around_a_boundary_a_restoring_layout_runs_and_its_networks_are_whole(name):
    layout, batch = build(name).eval(), Batch.blank(32, 48, 1)
    with torch.no_grad():
        answer = torch.compile(layout, backend='eager')(batch.damaged, batch.mask)
        assert_equal_answers(layout, answer, batch)
        torch.compile(layout._distributions, backend='eager', fullgraph=True)(batch.gray)
        network = torch.compile(layout.gray_net, backend='eager', fullgraph=True)
        network(torch.cat([batch.gray, batch.mask], dim=1))


def test_the_boundary_is_the_window_around_the_hole():
    network, batch = torch.nn.Conv2d(2, 1, 3, padding=1).eval(), Batch.blank(32, 48, 1)

    def restore(damaged, mask):
        return restore_hole(network, damaged, mask, 32)

    with pytest.raises(torch._dynamo.exc.Unsupported, match='_restore_each'):
        torch.compile(restore, backend='eager', fullgraph=True)(batch.damaged, batch.mask)


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize(
    ('encoder', 'attention', 'decoder'),
    [
        (TIMM, CBAM, {'type': 'UnetPlusPlus', 'decoder_channels': (8, 8, 8, 8, 8)}),
        (TIMM, {'type': 'none'}, {'type': 'Unet', 'decoder_channels': (8, 8, 8)}),
        ({'type': 'TinyEncoder'}, CBAM, {'type': 'Unet', 'decoder_channels': (8, 8, 8)}),
    ],
    ids=['unetpp_cbam', 'unet', 'tiny'],
)
def test_a_network_of_encoder_attention_and_decoder_is_one_graph(encoder, attention, decoder, training):
    outputs = {'classes': Output(4, 4), 'palette': Output(5, None, 0.2)} if decoder['type'] == 'Unet' else 3
    network = Network(1, outputs, encoder, attention, decoder).train(training)
    x = torch.rand(2, 1, 40, 64)
    torch.manual_seed(1)
    answer = torch.compile(network, backend='eager', fullgraph=True)(x)
    torch.manual_seed(1)
    torch.testing.assert_close(answer, network(x))


def test_a_layout_of_whole_networks_trains_compiled_under_autocast():
    factory = NetworkFactory({'type': 'TinyEncoder'}, CBAM, {'type': 'Unet', 'decoder_channels': (8, 8, 8)})
    layout, batch = LAYOUTS.build({'type': 'TwoStage'}, make_network=factory).train(), Batch.blank(32, 32, 2)
    layout.compile(backend='eager', fullgraph=True)  # as the runner does, on CUDA with the default backend
    with torch.autocast('cpu', dtype=torch.bfloat16):
        restored = layout(batch.damaged, batch.mask)
    restored.rgb.square().mean().backward()
    assert all(weight.grad is not None for weight in layout.color_net.head.parameters())
