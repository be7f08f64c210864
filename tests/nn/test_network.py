import pytest
import timm
import torch
from segmentation_models_pytorch.base import SegmentationHead
from segmentation_models_pytorch.base.initialization import initialize_head
from segmentation_models_pytorch.decoders.unetplusplus.decoder import UnetPlusPlusDecoder
from torch import nn

from toolbox.nn.depthwise import DepthwiseConv2d
from toolbox.nn.network import Network, NetworkFactory, attended_features
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.types import Output

discover_plugins()

TINY = {'type': 'TinyEncoder'}
NONE = {'type': 'none'}
UNET = {'type': 'Unet', 'decoder_channels': (16, 8, 8)}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(('in_channels', 'out_channels'), [(1, 1), (1, 3)])
def test_published_stage_has_the_parameters_of_its_parts(in_channels, out_channels):
    """timm's B4 features, smp's U-Net++ decoder and 3x3 head, and one CBAM: 2 C (C / 16) + 2 * 7^2 parameters."""
    encoder = {'type': 'TimmEncoder', 'name': 'efficientnet_b4', 'weights': None}
    attention = {'type': 'CBAM', 'reduction': 16, 'kernel_size': 7}
    network = Network(in_channels, out_channels, encoder, attention, {'type': 'UnetPlusPlus'})
    backbone = timm.create_model('efficientnet_b4', features_only=True, in_chans=in_channels)
    channels = backbone.feature_info.channels()
    assert channels == [24, 32, 56, 160, 448]
    decoder = UnetPlusPlusDecoder([in_channels, *channels], (256, 128, 64, 32, 16))
    cbam = 2 * 448 * (448 // 16) + 2 * 7 * 7
    head = SegmentationHead(16, out_channels)
    assert count(network) == count(backbone) + count(decoder) + cbam + count(head)
    assert count(network) == {1: 19_842_395, 3: 19_842_685}[out_channels]


def test_decodes_what_smp_decodes():
    """The same weights in smp's own U-Net++ on smp's own encoder give the same image; in doubles, since sums differ."""
    import segmentation_models_pytorch as smp

    encoder = {'type': 'SmpEncoder', 'name': 'resnet18', 'weights': None}
    network = Network(1, 3, encoder, NONE, {'type': 'UnetPlusPlus'}).double().eval()
    reference = smp.UnetPlusPlus('resnet18', encoder_weights=None, in_channels=1, classes=3).double().eval()
    reference.encoder.load_state_dict(network.encoder.encoder.state_dict())
    reference.decoder.load_state_dict(network.decoder.decoder.state_dict())
    reference.segmentation_head[0].load_state_dict(network.head.state_dict())
    image = torch.rand(2, 1, 64, 96, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(network(image), reference((image - 0.5) / 0.225))


def test_head_starts_like_smps():
    torch.manual_seed(0)
    head = Network(1, 3, TINY, NONE, UNET).head
    reference = SegmentationHead(8, 3)
    initialize_head(reference)
    bound = reference[0].weight.abs().max()
    assert head.bias.abs().max() == reference[0].bias.abs().max() == 0
    torch.testing.assert_close(head.weight.abs().max(), bound, rtol=0.1, atol=0)


@pytest.mark.parametrize('decoder', [UNET, {'type': 'FPN', 'segmentation_channels': 64}, {'type': 'DeepLabV3Plus'}])
@pytest.mark.parametrize(('height', 'width'), [(1, 1), (5, 7), (33, 64), (96, 8)])
def test_any_size_goes_through(decoder, height, width):
    network = Network(2, 3, TINY, NONE, decoder).eval()
    out = network(torch.rand(1, 2, height, width))
    assert out.shape == (1, 3, height, width)
    assert out.isfinite().all()


def test_one_pixel_trains():
    network = Network(1, 1, TINY, {'type': 'CBAM', 'at': 'all'}, UNET).train()
    network(torch.rand(1, 1, 1, 1)).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


def test_answers_in_float32_under_autocast_and_in_the_dtype_of_the_input():
    network = Network(1, 3, TINY, {'type': 'SE'}, {'type': 'DeepLabV3Plus'}).eval()
    image = torch.rand(1, 1, 20, 20)
    with torch.no_grad():
        exact = network(image)
        with torch.autocast('cpu', dtype=torch.bfloat16):
            half = network(image)
        assert half.dtype == torch.float32
        torch.testing.assert_close(half, exact, rtol=0.1, atol=0.1)
        assert (half != half.bfloat16()).any()  # not in bfloat16's steps
        double = network.double()(image.double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), exact, rtol=1e-3, atol=1e-3)


def test_depthwise_convolutions_of_an_encoder_are_sped_up():
    encoder = {'type': 'TimmEncoder', 'name': 'test_efficientnet', 'weights': None}
    network = Network(1, 1, encoder, NONE, {'type': 'Unet'})
    depthwise = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d) and layer.groups > 1]
    assert depthwise
    assert all(isinstance(layer, DepthwiseConv2d) for layer in depthwise)


def test_channels_last_changes_no_value():
    network = Network(3, 3, TINY, {'type': 'CBAM'}, {'type': 'UnetPlusPlus'}).eval()
    image = torch.rand(2, 3, 24, 40)
    with torch.no_grad():
        plain = network(image)
        network.to(memory_format=torch.channels_last)
        torch.testing.assert_close(network(image.contiguous(memory_format=torch.channels_last)), plain)


@pytest.mark.parametrize(
    ('at', 'attended'),
    [('top', (2,)), ('all', (0, 1, 2)), (0, (0,)), (-1, (2,)), ([0, -1], (0, 2)), ((1, 1, -2), (1,)), ([], ())],
)
def test_attention_stands_where_it_is_placed(at, attended):
    assert attended_features(at, 3) == attended
    network = Network(1, 1, TINY, {'type': 'SE', 'reduction': 4, 'at': at}, UNET)
    assert tuple(map(int, network.attention)) == attended
    channels = [network.encoder.channels[index] for index in attended]
    blocks = [block.state_dict() for block in network.attention.values()]
    assert [max(max(tensor.shape) for tensor in block.values()) for block in blocks] == channels


def test_attention_sees_its_feature_and_the_decoder_sees_the_attended_one():
    network = Network(1, 1, TINY, {'type': 'SE', 'at': [1]}, UNET).eval()
    image = torch.rand(1, 1, 16, 16)
    plain = network(image)
    network.attention['1'].forward = lambda feature: feature * 0
    features = network.encoder((image - 0.5) / 0.225)
    features[1] = features[1] * 0
    with torch.no_grad():
        changed = network(image)
        torch.testing.assert_close(changed, network.head(network.decoder(features, image)))
    assert not torch.allclose(changed, plain)


@pytest.mark.parametrize('at', [3, [-4], 'bottom', 1.0, [True], ['top']])
def test_a_placement_that_means_nothing_is_refused_with_what_would(at):
    with pytest.raises(ValueError, match=r"model\.attention\.at=.*'top'.*'all'.*-3 to 2"):
        attended_features(at, 3)


def test_factory_tells_where_a_config_is_wrong_before_anything_is_built():
    with pytest.raises(ValueError, match=r"model\.attention\.type: .*'CBMA'.*did you mean 'CBAM'"):
        NetworkFactory(TINY, {'type': 'CBMA'}, UNET)
    with pytest.raises(ValueError, match=r'model\.decoder\.channels: .*set by the program'):
        NetworkFactory(TINY, NONE, {'type': 'Unet', 'channels': (1, 2)})
    make_network = NetworkFactory(TINY, NONE, UNET)
    assert make_network(2, 5)(torch.rand(1, 2, 8, 8)).shape == (1, 5, 8, 8)


@pytest.mark.parametrize('shape', [(1, 1, 32, 32), (1, 1, 1, 2), (2, 1, 32, 32), (1, 1, 32, 64)])
def test_one_small_image_trains_under_batch_norm(shape):
    """Of which the deepest feature has one value per channel, where BatchNorm has nothing to normalize."""
    encoder = dict(type='TimmEncoder', name='resnet18', weights=None)
    network = Network(1, 3, encoder, NONE, dict(type='Unet', decoder_channels=(16, 8, 8, 8, 8)))
    network.train()
    out = network(torch.rand(shape))
    assert out.shape == (shape[0], 3, *shape[2:])
    out.sum().backward()


def test_a_map_is_made_at_the_stride_that_is_wanted_and_no_further():
    full, fourth = Network(1, 2, TINY, NONE, UNET), Network(1, Output(2, stride=4), TINY, NONE, UNET)
    image = torch.rand(2, 1, 30, 45)
    assert full(image).shape == (2, 2, 30, 45)
    assert fourth(image).shape == (2, 2, 8, 12)
    assert (len(full.decoder.decoder.blocks), len(fourth.decoder.decoder.blocks)) == (3, 1)
    assert fourth.head.kernel_size == (1, 1)


def test_a_decoder_that_does_not_stop_is_averaged_down():
    network = Network(1, Output(2, stride=8), TINY, NONE, {'type': 'UnetFullRes', 'decoder_channels': (8, 8, 8)})
    assert network.decoder.out_stride == 1
    assert network(torch.rand(1, 1, 64, 40)).shape == (1, 2, 8, 5)


def test_a_vector_needs_no_decoder():
    network = Network(1, Output(7, stride=None, dropout=0.5), TINY, NONE, UNET)
    assert network.decoder is None
    assert network.eval()(torch.rand(2, 1, 33, 20)).shape == (2, 7, 1, 1)


def test_several_outputs_share_encoder_and_decoder():
    network = Network(1, {'color': Output(3, 2), 'amount': Output(1, 4), 'palette': Output(9, None)}, TINY, NONE, UNET)
    answers = network(torch.rand(2, 1, 32, 32))
    assert {name: tuple(answer.shape[1:]) for name, answer in answers.items()} == {
        'color': (3, 16, 16),
        'amount': (1, 8, 8),
        'palette': (9, 1, 1),
    }
    assert count(network) < count(Network(1, 3, TINY, NONE, UNET)) + 9 * 64 + 100


def test_an_output_that_begins_at_zero_learns():
    network = Network(1, Output(1, from_zero=True), TINY, NONE, UNET)
    answer = network(torch.rand(1, 1, 16, 16))
    assert not answer.any()
    answer.sum().backward()
    assert network.head.weight.grad.any()


def test_stages_change_the_common_parts_for_one_network():
    stages = {'gray': {'decoder': {'decoder_channels': (8, 4, 4)}}, 'color': {'decoder': {'type': 'UnetFullRes'}}}
    make_network = NetworkFactory(TINY, NONE, UNET, stages)
    gray, color, other = (make_network(1, 1, name) for name in ('gray', 'color', 'palette'))
    assert (gray.decoder.out_channels, other.decoder.out_channels) == (4, 8)
    assert type(color.decoder).__name__ == 'UnetFullRes'
    make_network.check_names('Palette')


def test_a_stage_that_the_layout_has_not_is_an_error_that_lists_them():
    make_network = NetworkFactory(TINY, NONE, UNET, {'colour': {'decoder': {'decoder_channels': (8, 4, 4)}}})
    make_network(1, 1, 'gray'), make_network(1, 1, 'color')
    with pytest.raises(ValueError, match=r"model\.stages\.colour: TwoStage has no .*did you mean 'color'.*color, gray"):
        make_network.check_names('TwoStage')


def test_a_stage_with_a_wrong_option_is_told_by_its_path():
    with pytest.raises(ValueError, match=r'model\.stages\.gray\.decoder\.chanels: Unet takes no option'):
        NetworkFactory(TINY, NONE, UNET, {'gray': {'decoder': {'chanels': 3}}})
