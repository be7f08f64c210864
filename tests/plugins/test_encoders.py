import pytest
import torch
from safetensors.torch import save_file

from toolbox.nn.network import Network
from toolbox.plugin.checks.encoders import violations
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import ENCODERS

discover_plugins()

# The smallest of families whose features differ: strides from 2 or 4, channels last, windows, parallel branches.
BACKBONES = {
    'resnet18': (2, 4, 8, 16, 32),
    'efficientnet_b0': (2, 4, 8, 16, 32),
    'mobilenetv3_small_050': (2, 4, 8, 16, 32),
    'regnetx_002': (2, 4, 8, 16, 32),
    'hrnet_w18_small': (2, 4, 8, 16, 32),
    'dla46_c': (2, 4, 8, 16, 32),
    'repvgg_a0': (2, 4, 8, 16, 32),
    'mobilevit_xxs': (2, 4, 8, 16, 32),
    'test_nfnet': (2, 4, 8, 16, 32),
    'convnext_atto': (4, 8, 16, 32),
    'swin_tiny_patch4_window7_224': (4, 8, 16, 32),
    'pvt_v2_b0': (4, 8, 16, 32),
    'edgenext_xx_small': (4, 8, 16, 32),
    'mambaout_femto': (4, 8, 16, 32),
}


def timm_encoder(name, in_channels=1, **options):
    return ENCODERS.build({'type': 'TimmEncoder', 'name': name, 'weights': None, **options}, in_channels=in_channels)


def smp_encoder(name, in_channels=1, **options):
    return ENCODERS.build({'type': 'SmpEncoder', 'name': name, 'weights': None, **options}, in_channels=in_channels)


def train_a_step(encoder):
    """A network with U-Net++ after a step that gave every parameter a finite gradient."""
    torch.manual_seed(0)
    decoder = {'type': 'UnetPlusPlus', 'decoder_channels': (16, 16, 16, 16, 16)}
    network = Network(1, 1, encoder, {'type': 'none'}, decoder).train()
    parameters = {name: value for name, value in network.named_parameters() if value.requires_grad}
    before = network.head.weight.detach().clone()
    optimizer = torch.optim.Adam(parameters.values(), lr=1e-3)
    torch.nn.functional.mse_loss(network(torch.rand(2, 1, 64, 64)), torch.rand(2, 1, 64, 64)).backward()
    optimizer.step()
    assert not [name for name, value in parameters.items() if value.grad is None or not value.grad.isfinite().all()]
    assert not torch.equal(network.head.weight, before)
    return network


@pytest.mark.parametrize('name', BACKBONES)
def test_backbones_of_many_families_learn_with_unet_plus_plus(name):
    network = train_a_step({'type': 'TimmEncoder', 'name': name, 'weights': None})
    assert network.encoder.strides == BACKBONES[name]
    assert network.encoder.size_multiple == 32


@pytest.mark.parametrize('name', ['resnet18', 'mobilenet_v2', 'mit_b0', 'efficientnet-b0', 'timm-efficientnet-b0'])
def test_smp_encoders_learn_with_unet_plus_plus(name):
    train_a_step({'type': 'SmpEncoder', 'name': name, 'weights': None})


def test_features_that_timm_gives_channels_last_come_channels_first():
    encoder = timm_encoder('swin_tiny_patch4_window7_224').eval()
    image = torch.rand(1, 1, 64, 96)
    raw, features = encoder.backbone(image), encoder(image)
    assert encoder.backbone.output_fmt == 'NHWC'
    assert torch.equal(features[0], raw[0].permute(0, 3, 1, 2))
    assert features[0].shape == (1, 96, 16, 24)


def test_windows_that_must_divide_the_image_raise_the_multiple():
    encoder = timm_encoder('test_maxvit')
    assert encoder.size_multiple == 160
    network = Network(
        1, 1, {'type': 'TimmEncoder', 'name': 'test_maxvit', 'weights': None}, {'type': 'none'}, {'type': 'Unet'}
    )
    assert network.eval()(torch.rand(1, 1, 50, 170)).shape == (1, 1, 50, 170)


def test_timm_options():
    assert timm_encoder('test_resnet', out_indices=(1, -1)).strides == (4, 32)
    assert timm_encoder('test_resnet', out_indices=[0, 1, 2]).size_multiple == 8
    dilated = timm_encoder('resnet18', output_stride=8)
    assert dilated.strides == (2, 4, 8, 8, 8)
    assert dilated.size_multiple == 8
    dropped = timm_encoder('test_convnext', drop_path_rate=0.5)
    assert any(getattr(module, 'drop_prob', 0) for module in dropped.modules())


@pytest.mark.parametrize(
    ('name', 'options', 'said'),
    [
        ('vit_tiny_patch16_224', {}, 'no hierarchy of features, all are at stride 16'),
        ('test_coatnet', {}, r'does not take images of any size.*32x64: .*160x320: '),
        ('efficientnet_b44', {}, "did you mean 'efficientnet_b4'"),
        ('test_resnet', {'output_stride': 5}, r"test_resnet cannot be built as features with \{'output_stride': 5\}"),
        ('swin_tiny_patch4_window7_224', {'output_stride': 8}, 'cannot be built as features.*output_stride'),
        ('test_resnet', {'out_indices': (9,)}, 'test_resnet cannot be built as features.*out_indices'),
    ],
)
def test_timm_errors_say_what_to_do(name, options, said):
    with pytest.raises(ValueError, match=said):
        timm_encoder(name, **options)


def test_smp_options():
    encoder = smp_encoder('resnet18', output_stride=16)
    assert encoder.strides == (2, 4, 8, 16, 16)
    assert smp_encoder('mit_b0').strides == (4, 8, 16, 32)
    with pytest.raises(ValueError, match=r"smp has no encoder 'resnet341'.*did you mean 'resnet34'"):
        smp_encoder('resnet341')
    with pytest.raises(ValueError, match='xception cannot be dilated'):
        smp_encoder('xception', output_stride=16)
    with pytest.raises(ValueError, match='expected 8, 16 or None'):
        smp_encoder('resnet18', output_stride=5)


def test_smp_weights_from_a_file_are_verified_and_adapted(tmp_path):
    torch.manual_seed(1)
    state = smp_encoder('resnet18', in_channels=3).encoder.state_dict()
    classifier = {'fc.weight': torch.zeros(10, 512), 'fc.bias': torch.zeros(10)}
    path = tmp_path / 'resnet18.safetensors'
    save_file({**state, **classifier}, path)
    gray = smp_encoder('resnet18', weights=str(path)).encoder
    torch.testing.assert_close(gray.conv1.weight, state['conv1.weight'].sum(1, keepdim=True))
    assert torch.equal(gray.layer4[1].conv2.weight, state['layer4.1.conv2.weight'])
    del state['layer4.1.conv2.weight']
    save_file(state, path)
    with pytest.raises(ValueError, match=r'\d+ of \d+ tensors filled, first one missing: layer4.1.conv2.weight'):
        smp_encoder('resnet18', weights=str(path))


@pytest.mark.parametrize('weights', ['imagenet', 'ssl'])
def test_smp_weights_of_an_unreachable_hub(weights, monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, 'ENDPOINT', 'http://127.0.0.1:9')
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path))
    with pytest.raises(ConnectionError, match=rf'(?s)smp-hub/resnet18.{weights}.*weights=None'):
        smp_encoder('resnet18', weights=weights)


def test_tiny_encoder_is_tiny():
    encoder = ENCODERS.build({'type': 'TinyEncoder'}, in_channels=1)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 12_936


def test_the_contract_check_sees_planted_violations():
    tiny = ENCODERS.get('TinyEncoder')

    class WrongChannels(tiny):
        def forward(self, x):
            return super().forward(x)[::-1]

    class WrongMultiple(tiny):
        size_multiple = 4

    class NotFinite(tiny):
        def forward(self, x):
            return [feature.log() for feature in super().forward(x)]

    class Unused(tiny):
        def __init__(self, in_channels):
            super().__init__(in_channels)
            self.classifier = torch.nn.Linear(8, 2)

    class Random(tiny):
        def forward(self, x):
            return [torch.nn.functional.dropout(feature) for feature in super().forward(x)]

    said = {
        WrongChannels: 'has shape',
        WrongMultiple: 'size_multiple is 4',
        NotFinite: 'not finite',
        Unused: 'gives parameter classifier.weight no gradient',
        Random: 'two answers to one input',
    }
    for plugin, words in said.items():
        problems = list(violations(plugin))
        assert any(words in problem for problem in problems), (plugin, problems)
    assert list(violations(tiny)) == []
