import copy

import pytest
import torch

from tests.support import RECIPE, TINY
from toolbox.config.loading import load_config
from toolbox.config.options import parse_options
from toolbox.plugin.discovery import discover_plugins
from toolbox.training import precision
from toolbox.training.model import RestorationModel
from toolbox.training.precision import settle_training_precision

discover_plugins()

CPU = torch.device('cpu')


def build(asked):
    config = load_config(RECIPE, parse_options(TINY), say=lambda _: None)
    return RestorationModel(config.model, asked)


@pytest.mark.parametrize(('bf16_seconds', 'expected'), [(0.5, 'bf16'), (0.95, 'float32'), (3.0, 'float32')])
def test_auto_takes_what_the_network_itself_is_faster_in(monkeypatch, bf16_seconds, expected):
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: {'avx512_bf16': True}, raising=False)
    monkeypatch.setattr(precision, '_seconds', lambda _model, _batch, kind: 1.0 if kind == 'float32' else bf16_seconds)
    model = build('auto')
    assert settle_training_precision(model, 16, 4, CPU) == model.trains_in == expected
    seen = []
    model.layout.register_forward_pre_hook(lambda *_: seen.append(torch.is_autocast_enabled('cpu')))
    model.train().restore(torch.rand(1, 1, 16, 16), torch.zeros(1, 1, 16, 16))
    assert seen == [expected == 'bf16']


@pytest.mark.parametrize(('asked', 'expected'), [('float32', 'float32'), ('bf16', 'bf16'), ('auto', 'float32')])
def test_nothing_is_timed_where_the_answer_is_known(monkeypatch, asked, expected):
    monkeypatch.setattr(torch.cpu, 'get_capabilities', dict, raising=False)
    monkeypatch.setattr(precision, '_seconds', lambda *_: pytest.fail('timed'))
    assert settle_training_precision(build(asked), 16, 4, CPU) == expected


@pytest.mark.parametrize('before', ['bf16', 'float32'])
def test_a_resumed_run_keeps_its_precision_however_busy_the_machine_is(monkeypatch, before):
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: {'avx512_bf16': True}, raising=False)
    monkeypatch.setattr(precision, '_seconds', lambda *_: pytest.fail('timed'))
    model = build('auto')
    assert settle_training_precision(model, 16, 4, CPU, before) == model.trains_in == before


def test_timing_leaves_no_trace(monkeypatch):
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: {'avx512_bf16': True}, raising=False)
    model = build('auto')
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    settle_training_precision(model, 16, 2, CPU)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())
    assert all(parameter.grad is None for parameter in model.parameters())
