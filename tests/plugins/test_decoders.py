import pytest
import torch

from toolbox.nn.network import Network
from toolbox.nn.upsample import upsample_layer
from toolbox.plugin.checks.decoders import violations
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import DECODERS

discover_plugins()

ALL = sorted(DECODERS.module_dict)
CHANNELS, STRIDES = (8, 16, 24, 32, 40), (2, 4, 8, 16, 32)


def build(name, channels=CHANNELS, strides=STRIDES, in_channels=1, **options):
    return DECODERS.build({'type': name, **options}, channels=channels, strides=strides, in_channels=in_channels)


def decode(decoder, channels=CHANNELS, strides=STRIDES):
    image = torch.rand(1, 1, 64, 96)
    return decoder([torch.rand(1, c, 64 // s, 96 // s) for c, s in zip(channels, strides, strict=True)], image)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ('name', 'encoder'),
    [
        ('UnetPlusPlus', 'resnet18'),
        ('Unet', 'resnet18'),
        ('MAnet', 'resnet18'),
        ('FPN', 'resnet18'),
        ('Linknet', 'resnet18'),
        ('UPerNet', 'resnet18'),
        ('DeepLabV3Plus', 'resnet18'),
        ('Unet', 'mit_b0'),  # no feature at stride 2
        ('MAnet', 'mit_b0'),
        ('FPN', 'mit_b0'),
        ('UPerNet', 'mit_b0'),
    ],
)
def test_decodes_what_smp_decodes(name, encoder):
    """smp's decoder and ours give the same, with the same weights and features; smp dilates the encoder of DeepLab."""
    import segmentation_models_pytorch as smp

    torch.manual_seed(0)
    model = getattr(smp, name)(encoder, encoder_weights=None, in_channels=1).eval()
    image = torch.rand(1, 1, 64, 96)
    with torch.no_grad():
        all_features = model.encoder(image)
        expected = model.decoder(list(all_features))
        features = [feature for feature in all_features[1:] if feature.shape[1]]
        channels = [feature.shape[1] for feature in features]
        strides = [64 // feature.shape[2] for feature in features]
        decoder = build(name, channels, strides).eval()
        missing, surplus = decoder.decoder.load_state_dict(model.decoder.state_dict(), strict=False)
        answer = decoder(features, image)
    assert not missing
    # Ours have no batch norm over one pixel; a fresh one, like smp's here, changes nothing but by its epsilon.
    assert all('convs.4.' in key or 'psp.blocks.0.' in key for key in surplus)
    torch.testing.assert_close(answer, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ('name', 'out_stride'),
    [
        ('DeepLabV3Plus', 4),
        ('FPN', 4),
        ('Linknet', 1),
        ('MAnet', 1),
        ('UPerNet', 4),
        ('Unet', 1),
        ('UnetFullRes', 1),
        ('UnetPlusPlus', 1),
    ],
)
def test_strides_of_the_answer(name, out_stride):
    assert build(name).out_stride == out_stride


def test_every_decoder_is_in_the_list_above():
    marks = {mark.args[0]: mark.args[1] for mark in test_strides_of_the_answer.pytestmark}
    assert set(ALL) <= {name for name, _ in marks['name', 'out_stride']}


# Which encoders a decoder can take; all others are refused with words.
TAKES = {
    (4, 8, 16, 32): ALL,
    (2, 4, 8): ALL,
    (2, 4, 8, 16, 16): ALL,
    (1, 2, 4, 8, 16): ALL,
    (2,): ['Linknet', 'MAnet', 'Unet', 'UnetFullRes'],
    (8, 16, 32): ['Linknet', 'MAnet', 'Unet', 'UnetFullRes'],
    (4, 16): ['DeepLabV3Plus', 'Linknet', 'MAnet', 'Unet', 'UnetFullRes'],
    (2, 6): [],
    (1,): [],
}


@pytest.mark.parametrize('name', ALL)
@pytest.mark.parametrize('strides', TAKES)
def test_takes_any_features_that_can_be_decoded(name, strides):
    channels = CHANNELS[: len(strides)]
    if name in TAKES[strides]:
        decoder = build(name, channels, strides)
        out = decode(decoder, channels, strides)
        assert out.shape == (1, decoder.out_channels, 64 // decoder.out_stride, 96 // decoder.out_stride)
    else:
        with pytest.raises(ValueError, match=rf'{name}: .*features at strides .*choose another encoder'):
            build(name, channels, strides)


@pytest.mark.parametrize('name', ['MAnet', 'Unet', 'UnetFullRes', 'UnetPlusPlus'])
def test_an_entry_of_decoder_channels_belongs_to_a_resolution(name):
    deep = build(name, decoder_channels=(256, 128, 64, 32, 24))
    shallow = build(name, (8, 16, 24), (2, 4, 8), decoder_channels=(256, 128, 64, 32, 24))
    exact = build(name, (8, 16, 24), (2, 4, 8), decoder_channels=(64, 32, 24))
    assert deep.out_channels == shallow.out_channels == 24
    assert count(shallow) == count(exact)
    for wrong in ((64, 32, 16), (256, 128, 64, 32, 0)):
        with pytest.raises(
            ValueError, match=rf'{name}: decoder_channels=.*expected 5 or more .*\(256, 128, 64, 32, 16\)'
        ):
            build(name, decoder_channels=wrong)
    for wrong in ((256, 128, 64, 32, 16.0), 16):
        with pytest.raises(ValueError, match=rf'decoder_channels: {name} takes Sequence\[int\] here, got'):
            build(name, decoder_channels=wrong)


@pytest.mark.parametrize(
    ('name', 'options', 'said'),
    [
        ('Unet', {'interpolation': 'neerest'}, "did you mean 'nearest'"),
        ('UnetFullRes', {'upsample': 'pixelshuffle'}, "did you mean 'pixel_shuffle'"),
        ('UnetFullRes', {'image_channels': 0}, 'expected a positive number'),
        ('FPN', {'segmentation_channels': 100}, 'expected 64, 96, 128'),
        ('FPN', {'merge': 'sum'}, 'Known: add, cat'),
        ('FPN', {'dropout': 1}, 'from 0 to below 1'),
        ('UPerNet', {'decoder_channels': (256, 128)}, 'UPerNet takes int here'),
        ('DeepLabV3Plus', {'atrous_rates': (1, 2)}, 'expected three positive numbers'),
        ('Linknet', {'final_channels': 0}, 'the last block needs 1'),
    ],
)
def test_wrong_options_are_errors_in_words(name, options, said):
    with pytest.raises(ValueError, match=said):
        build(name, **options)


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('UnetPlusPlus', {'interpolation': 'bilinear'}),
        ('Unet', {'interpolation': 'bilinear'}),
        ('MAnet', {'interpolation': 'bilinear', 'reduction': 8, 'attention_channels': 16}),
        ('FPN', {'merge': 'cat', 'pyramid_channels': 64, 'segmentation_channels': 64, 'dropout': 0.0}),
        ('DeepLabV3Plus', {'separable': False, 'atrous_rates': [1, 2, 3], 'dropout': 0.0}),
        ('UnetFullRes', {'upsample': 'pixel_shuffle', 'image_channels': 4}),
    ],
)
def test_options_keep_the_contract(name, options):
    def make(**program_values):
        return DECODERS.build({'type': name, **options}, **program_values)

    assert list(violations(make)) == []


def test_full_resolution_skip_carries_detail_that_the_features_do_not_have():
    decoder = build('UnetFullRes').eval()
    features = [torch.rand(1, c, 64 // s, 64 // s) for c, s in zip(CHANNELS, STRIDES, strict=True)]
    image = torch.rand(1, 1, 64, 64, requires_grad=True)
    decoder(features, image)[0, :, 20, 20].sum().backward()
    seen = image.grad[0, 0].nonzero()
    assert image.grad[0, 0, 20, 20] != 0
    assert seen.min(0).values.tolist() == [17, 17]  # three 3x3 convolutions
    assert seen.max(0).values.tolist() == [23, 23]


def test_pixel_shuffle_starts_without_a_checkerboard():
    layer = upsample_layer(4, 3, 'pixel_shuffle')
    out = layer(torch.rand(2, 4, 5, 6))
    assert out.shape == (2, 3, 10, 12)
    assert torch.equal(out, out[..., ::2, ::2].repeat_interleave(2, -1).repeat_interleave(2, -2))
    assert upsample_layer(4, 3, 'resize')(torch.rand(2, 4, 5, 6)).shape == (2, 3, 10, 12)


@pytest.mark.parametrize('name', ALL)
def test_every_decoder_works_with_an_encoder_without_stride_two(name):
    encoder = {'type': 'TimmEncoder', 'name': 'test_convnext', 'weights': None}
    network = Network(1, 3, encoder, {'type': 'CBAM'}, {'type': name}).train()
    out = network(torch.rand(1, 1, 45, 60))
    assert out.shape == (1, 3, 45, 60)
    out.square().mean().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.decoder.parameters())


def test_the_contract_check_sees_planted_violations():
    unet = DECODERS.get('Unet')

    class WrongStride(unet):
        def __init__(self, channels, strides):
            super().__init__(channels, strides)
            self.out_stride = 2

    class Mutating(unet):
        def forward(self, features, x):
            features[0].mul_(2)
            return super().forward(features, x)

    class Replacing(unet):
        def forward(self, features, x):
            features[0] = features[0] * 2
            return super().forward(features, x)

    class AcrossImages(unet):
        def forward(self, features, x):
            return super().forward(features, x) + features[-1].mean()

    class OneImage(unet):
        def forward(self, features, x):
            if self.training and len(x) == 1:
                raise ValueError('one value per channel')
            return super().forward(features, x)

    said = {
        WrongStride: 'the answer has shape',
        Mutating: 'changes its input in place',
        Replacing: 'changes the list of features',
        AcrossImages: 'mixes the images of a batch',
        OneImage: 'raises ValueError in training on a batch of 1: one value per channel',
    }
    for plugin, words in said.items():
        problems = list(violations(lambda channels, strides, in_channels, plugin=plugin: plugin(channels, strides)))
        assert any(words in problem for problem in problems), (plugin, problems)
