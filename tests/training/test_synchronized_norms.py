"""Batch normalization over several GPUs is the same network, whatever layers it is built of."""

import copy

import pytest
import torch
from torch import nn

from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import DECODERS, ENCODERS
from toolbox.training.distributed import with_synchronized_norms

discover_plugins()

# Families whose normalization layers differ: timm's with an activation inside, torch's own, none, smp's.
ENCODER_CONFIGS = [
    *(
        dict(type='TimmEncoder', name=name, weights=None)
        for name in (
            'test_efficientnet',
            'efficientnet_b0',
            'mobilenetv3_small_050',
            'regnety_002',
            'densenet121',
            'tf_efficientnetv2_b0',
            'resnet18',
            'convnext_atto',
        )
    ),
    dict(type='SmpEncoder', name='timm-efficientnet-b0', weights=None),
    dict(type='SmpEncoder', name='resnet18', weights=None),
    dict(type='TinyEncoder'),
]
CHANNELS, STRIDES = (8, 16, 24, 32, 40), (2, 4, 8, 16, 32)


def assert_same_function(module, *inputs):
    converted = with_synchronized_norms(copy.deepcopy(module)).eval()
    with torch.no_grad():
        expected, outputs = module.eval()(*inputs), converted(*inputs)
    torch.testing.assert_close(outputs, expected)
    return converted


def parts_of(module, kind):
    return [part for part in module.modules() if type(part) is kind or isinstance(part, kind)]


@pytest.mark.parametrize('config', ENCODER_CONFIGS, ids=lambda config: config.get('name', config['type']))
def test_an_encoder_stays_the_function_that_it_was(config):
    torch.manual_seed(0)
    encoder = ENCODERS.build(config, in_channels=1)
    converted = assert_same_function(encoder, torch.rand(1, 1, 64, 64))
    norms = parts_of(encoder, nn.modules.batchnorm._BatchNorm)
    assert len(parts_of(converted, nn.SyncBatchNorm)) == len(norms)


@pytest.mark.parametrize('name', sorted(DECODERS.module_dict))
def test_a_decoder_stays_the_function_that_it_was(name):
    torch.manual_seed(0)
    options = dict(channels=CHANNELS, strides=STRIDES)
    decoder = DECODERS.build(dict(type=name), in_channels=1, **options)
    features = [
        torch.rand(1, channels, 64 // stride, 64 // stride) for channels, stride in zip(CHANNELS, STRIDES, strict=True)
    ]
    assert_same_function(decoder, features, torch.rand(1, 1, 64, 64))


def test_optimizers_go_on_with_its_parameters():
    encoder = ENCODERS.build(ENCODER_CONFIGS[0], in_channels=1)
    before = [id(parameter) for parameter in encoder.parameters()]
    assert [id(parameter) for parameter in with_synchronized_norms(encoder).parameters()] == before


class ShiftedNorm(nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x) + 1


def test_a_layer_that_would_lose_what_it_computes_is_an_error():
    with pytest.raises(ValueError, match=r'^1 is a ShiftedNorm, which cannot be synchronized'):
        with_synchronized_norms(nn.Sequential(nn.Conv2d(1, 4, 3), ShiftedNorm(4)))
