import pytest
import torch
from segmentation_models_pytorch.decoders.manet.decoder import MAnetDecoder
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from segmentation_models_pytorch.decoders.unetplusplus.decoder import DecoderBlock, UnetPlusPlusDecoder
from torch import nn

from toolbox.nn.upsampled_conv import UpsampledBlock, UpsampledUnet, UpsampledUnetPlusPlus, upsampled_conv
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import DECODERS

discover_plugins()


def gradients(outcome, inputs):
    torch.manual_seed(1)
    return torch.autograd.grad((outcome * torch.randn_like(outcome)).sum(), inputs)


def assert_equal(ours, expected, tolerance):
    for one, other in zip(ours, expected, strict=True):
        assert one.shape == other.shape
        assert (one - other).abs().max() <= tolerance * other.abs().max()


@pytest.mark.parametrize(('dtype', 'tolerance'), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    ('channels', 'skips', 'out', 'bias'),
    [(5, (), 3, False), (7, (3,), 9, True), (1, (1, 5), 1, False), (16, (8, 0, 24), 8, False), (3, (0,), 2, True)],
)
@pytest.mark.parametrize(('height', 'width'), [(5, 8), (1, 1)])
def test_convolves_what_it_does_not_make(dtype, tolerance, layout, channels, skips, out, bias, height, width):
    torch.manual_seed(0)
    x = torch.randn(2, channels, height, width, dtype=dtype)
    joined = [torch.randn(2, count, 2 * height, 2 * width, dtype=dtype) for count in skips]
    conv = nn.Conv2d(channels + sum(skips), out, 3, padding=1, bias=bias).to(dtype)
    x, *joined = [part.to(memory_format=layout).requires_grad_() for part in (x, *joined)]
    conv.to(memory_format=layout)
    inputs = [x, *(skip for skip in joined if skip.numel()), *conv.parameters()]
    ours = upsampled_conv(x, joined, conv.weight, conv.bias)
    enlarged = nn.functional.interpolate(x, scale_factor=2.0, mode='nearest')
    expected = conv(torch.cat([enlarged, *joined], dim=1))
    assert_equal([ours, *gradients(ours, inputs)], [expected, *gradients(expected, inputs)], tolerance)


@pytest.mark.parametrize('skip', [None, 3])
def test_a_block_gives_what_smps_gives(skip):
    torch.manual_seed(0)
    block = DecoderBlock(5, skip or 0, 7).double()
    x = torch.randn(2, 5, 6, 4, dtype=torch.float64, requires_grad=True)
    joined = None if skip is None else torch.randn(2, skip, 12, 8, dtype=torch.float64)
    inputs = [x, *block.parameters()]
    expected = block(x, joined)
    ours = UpsampledBlock(block)(x, joined)
    assert_equal([ours, *gradients(ours, inputs)], [expected, *gradients(expected, inputs)], 1e-10)


@pytest.mark.parametrize(('smp', 'ours'), [(UnetDecoder, UpsampledUnet), (UnetPlusPlusDecoder, UpsampledUnetPlusPlus)])
@pytest.mark.parametrize('channels', [(1, 6, 7, 8, 9, 10), (1, 0, 7, 8, 9, 10), (1, 6, 5)])
def test_a_decoder_gives_what_smps_gives(smp, ours, channels):
    """Its answer, the gradients of its features and weights, and BatchNorm's statistics, under the same names."""
    torch.manual_seed(0)
    depth = len(channels) - 1
    plain = smp(channels, [24, 20, 16, 12, 8][-depth:], n_blocks=depth).double().train()
    decoder = ours(smp(channels, [24, 20, 16, 12, 8][-depth:], n_blocks=depth)).double().train()
    decoder.load_state_dict(plain.state_dict())
    features = [torch.randn(2, c, 64 >> i, 96 >> i, dtype=torch.float64) for i, c in enumerate(channels)]
    used = [feature.requires_grad_() for feature in features[1:] if feature.numel()]
    expected, answer = plain(list(features)), decoder(list(features))
    assert_equal(
        [answer, *gradients(answer, [*used, *decoder.parameters()]), *decoder.buffers()],
        [expected, *gradients(expected, [*used, *plain.parameters()]), *plain.buffers()],
        1e-8,
    )


@pytest.mark.parametrize(
    ('name', 'smp'), [('Unet', UnetDecoder), ('UnetPlusPlus', UnetPlusPlusDecoder), ('MAnet', MAnetDecoder)]
)
def test_plugins_keep_smps_names_and_initial_values(name, smp):
    from segmentation_models_pytorch.base.initialization import initialize_decoder

    channels = (8, 16, 24, 32, 40)
    torch.manual_seed(0)
    plain = smp((0, *channels), [32, 24, 16, 12, 8], n_blocks=5)
    initialize_decoder(plain)
    torch.manual_seed(0)
    options = dict(type=name, decoder_channels=(32, 24, 16, 12, 8))
    decoder = DECODERS.build(options, channels=channels, strides=(2, 4, 8, 16, 32), in_channels=1).decoder
    assert list(decoder.state_dict()) == list(plain.state_dict())
    for ours, theirs in zip(decoder.state_dict().values(), plain.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
