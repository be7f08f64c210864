import pytest
import torch

from tests.support import RECIPE, TINY
from toolbox.config import load_config
from toolbox.discovery import discover_plugins
from toolbox.engine.model import RestorationModel
from toolbox.options import parse_options

discover_plugins()


@pytest.mark.parametrize(
    ('precision', 'trains_in_bf16', 'restores_in_bf16'),
    [('auto', True, False), ('bf16', True, True), ('float32', False, False)],
)
def test_precision_of_training_and_of_restoring(monkeypatch, precision, trains_in_bf16, restores_in_bf16):
    """On a device where training is faster in bf16."""
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: {'amx_bf16': True}, raising=False)
    config = load_config(RECIPE, parse_options(TINY), say=lambda _: None)
    model = RestorationModel(config.model, precision)
    seen = []
    model.layout.register_forward_pre_hook(lambda *_: seen.append(torch.is_autocast_enabled('cpu')))
    images, mask = torch.rand(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)
    for training in (True, False):
        model.train(training)
        model.restore(images, mask)
    assert seen == [trains_in_bf16, restores_in_bf16]
