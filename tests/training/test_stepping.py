"""What a step would cost on a GPU that can be seen on a CPU: waits for values, copies from the host, lost layouts."""

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from tests.support import RECIPE, TINY
from toolbox.config.loading import load_config
from toolbox.config.options import parse_options
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.types import Batch
from toolbox.training.model import RestorationModel
from toolbox.training.optimizers import build_optimizer
from toolbox.training.stepping import TrainingStep

discover_plugins()

# What makes the host wait until a GPU has computed a value, or sends one there.
WAITS = {
    *('item', 'tolist', 'cpu', 'numpy', 'equal', 'nonzero', 'masked_select', 'unique', 'bincount'),
    *('__bool__', '__int__', '__float__', '__index__', 'tensor', 'as_tensor', 'from_numpy'),
}


class HostTraffic(TorchFunctionMode):
    """The calls within that a GPU would be waited for, by name."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(function, '__name__', '')
        by_list = name in ('__getitem__', '__setitem__') and isinstance(args[1], list)
        if name in WAITS or by_list:
            self.calls.append(name)
        return function(*args, **(kwargs or {}))


def batch(side=32):
    generator = torch.Generator().manual_seed(0)
    images = {
        name: torch.randint(0, 256, (2, channels, side, side), generator=generator, dtype=torch.uint8)
        for name, channels in dict(damaged=1, gray=1, rgb=3).items()
    }
    hole = torch.zeros(2, 1, side, side, dtype=torch.uint8)
    hole[..., 8:20, 4:16] = 1
    return Batch(['a', 'b'], mask=hole, hole=hole, **images)


def test_a_step_of_the_shipped_recipe_reads_the_hole_and_the_losses_alone():
    config = load_config(RECIPE, parse_options(TINY), say=lambda _: None)
    model = RestorationModel(config.model, 'float32').train()
    step = TrainingStep(model, model, build_optimizer(config.optimizer, model.layout), clip_norm=1.0)
    step(batch())
    with HostTraffic() as traffic:
        step(batch())
    # MaskedSSIM's areas of the holes; the losses, sent off before the backward pass.
    assert traffic.calls == ['tolist', 'tolist']


def test_features_stay_in_channels_last():
    options = ['model.encoder.name=test_efficientnet', 'model.encoder.weights=None', 'model.attention.at=all']
    model = RestorationModel(load_config(RECIPE, parse_options(options), say=lambda _: None).model, 'float32')
    lost = []

    def look(name, x):
        # CBAM's map of means and maxima, of two channels, is no feature.
        if (
            x.ndim == 4
            and x.shape[1] > 2
            and min(x.shape[2:]) > 1
            and not x.is_contiguous(memory_format=torch.channels_last)
        ):
            lost.append((name, tuple(x.shape), x.stride()))

    for name, module in model.layout.named_modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            module.register_forward_pre_hook(lambda _, inputs, name=name: look(name, inputs[0]))
    model.train().restore(torch.rand(2, 1, 64, 64), torch.zeros(2, 1, 64, 64))
    assert lost == []
