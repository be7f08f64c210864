import pytest
import torch

from tests.support import RECIPE, TINY
from toolbox.config.loading import load_config
from toolbox.config.options import parse_options
from toolbox.nn.backend import set_backend
from toolbox.nn.loss import ImageLoss
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.types import Batch
from toolbox.training.model import RestorationModel

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


class _Watching(ImageLoss):
    def per_image(self, pred, target, weight):
        self.seen = torch.is_autocast_enabled('cpu')
        return (pred - target).square().mean((1, 2, 3))


class _WatchingNetwork(_Watching):
    full_precision = False


@pytest.mark.parametrize(('kind', 'in_bf16'), [(_Watching, False), (_WatchingNetwork, True)])
def test_losses_that_hold_a_network_compute_in_the_precision_of_the_training(kind, in_bf16):
    config = load_config(RECIPE, parse_options(TINY), say=lambda _: None)
    model = RestorationModel(config.model, 'bf16')
    for term in model.objective.terms:
        term.loss = kind()
    losses = model.train()(Batch.blank(16, 16))
    assert all(loss.dtype == torch.float32 for loss in losses.values())
    assert [term.loss.seen for term in model.objective.terms] == [in_bf16] * len(model.objective.terms)


def test_tf32_is_for_training_alone():
    """A later test measures what the run's validation measured, whatever the config trained in."""
    config = load_config(RECIPE, parse_options(TINY), say=lambda _: None)
    model = RestorationModel(config.model, 'float32')
    seen = []
    backends = torch.backends.cudnn, torch.backends.cuda.matmul
    model.layout.register_forward_pre_hook(lambda *_: seen.append([backend.allow_tf32 for backend in backends]))
    images, mask = torch.rand(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)
    before = [backend.allow_tf32 for backend in backends]
    try:
        for allowed in (True, False):
            set_backend(deterministic=False, tf32=allowed)
            for training in (True, False):
                model.train(training)
                model.restore(images, mask)
            assert [backend.allow_tf32 for backend in backends] == [allowed] * 2
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed
    assert seen == [[True] * 2, [False] * 2, [False] * 2, [False] * 2]


def test_a_compiled_layout_runs_compiled_in_training_alone():
    model = RestorationModel(load_config(RECIPE, parse_options(TINY), say=lambda _: None).model, 'float32')
    batch, graphs = Batch.blank(32, 32, 2), []

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    expected = model.eval().restore(batch.damaged, batch.mask).rgb
    model.layout.compile(backend=backend)
    torch.testing.assert_close(model.eval().restore(batch.damaged, batch.mask).rgb, expected, rtol=0, atol=0)
    assert graphs == []
    model.train().restore(batch.damaged, batch.mask)
    assert graphs != []
