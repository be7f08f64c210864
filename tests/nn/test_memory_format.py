"""Networks keep channels_last from the first convolution to the last, as a GPU would run them.

A convolution that gets another layout is converted by cuDNN, there and back, each time.
"""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.device_waits import fake_cuda, to_fake_cuda
from toolbox.config.loading import load_config
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.types import Batch
from toolbox.training.load_model import model_to_train

pytestmark = pytest.mark.filterwarnings('ignore:.*CUDA is not available')

discover_plugins()


class Convolutions(TorchDispatchMode):
    """Counts convolutions, and those whose input is in another layout than channels_last."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.others = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket is torch.ops.aten.convolution:
            self.count += 1
            if not args[0].is_contiguous(memory_format=torch.channels_last):
                self.others.append((tuple(args[0].shape), args[0].stride()))
        return func(*args, **(kwargs or {}))


def convolutions_of(recipe, memory_format):
    options = {'model.encoder.name': 'test_efficientnet', 'model.encoder.weights': None}
    model = model_to_train(load_config(f'configs/{recipe}.py', options, say=lambda _: None))
    model.to(memory_format=memory_format)
    batch = Batch.blank(70, 90, 2)  # extended by reflection
    with fake_cuda(), Convolutions() as seen:
        to_fake_cuda(model.layout).train()
        model.layout(*(torch.empty_like(image, device='cuda') for image in (batch.damaged, batch.mask)))
    return seen


@pytest.mark.parametrize('recipe', ['unetpp_cbam_b4', 'palette_b4', 'restorer_lite0'])
def test_every_convolution_gets_channels_last(recipe):
    seen = convolutions_of(recipe, torch.channels_last)
    assert seen.count > 40
    # Of one or two channels, the input itself: to convert it costs next to nothing.
    assert [shape for shape, _ in seen.others if shape[1] > 2] == []


def test_another_layout_is_seen():
    assert convolutions_of('restorer_lite0', torch.contiguous_format).others != []
