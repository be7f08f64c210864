"""What a training starts with: weights of another one, learning rates of encoders and of the rest."""

import pytest
import torch

from tests.support import RECIPE, TINY
from toolbox.config.loading import load_config
from toolbox.config.options import parse_options
from toolbox.training.checkpoint import save_checkpoint
from toolbox.training.learning_rate import LearningRate
from toolbox.training.load_model import model_to_train
from toolbox.training.optimizers import build_optimizer


def resolved(*options):
    return load_config(RECIPE, parse_options([*TINY, *options]), say=lambda _: None)


def checkpoint(path, config, model):
    save_checkpoint(dict(config=config.to_dict(), model=model.layout.state_dict()), path)
    return path


def test_training_starts_with_the_weights_of_a_checkpoint(tmp_path):
    config = resolved()
    trained = model_to_train(config)
    for weight in trained.layout.parameters():
        torch.nn.init.normal_(weight)
    path = checkpoint(tmp_path / 'best.pth', config, trained)
    started = model_to_train(resolved(f'model.weights={path}')).layout.state_dict()
    assert all(torch.equal(value, started[key]) for key, value in trained.layout.state_dict().items())


def test_weights_of_other_networks_are_refused_by_the_key(tmp_path):
    config = resolved()
    path = checkpoint(tmp_path / 'best.pth', config, model_to_train(config))
    with pytest.raises(ValueError, match=r'^model\.weights=.*best\.pth.*other networks.*are missing'):
        model_to_train(resolved(f'model.weights={path}', 'model.attention.type=SE'))


def test_a_file_that_is_not_there_is_told_before_training(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nowhere\.pth'):
        model_to_train(resolved(f'model.weights={tmp_path / "nowhere.pth"}'))


def test_the_shipped_model_starts_a_training_of_its_recipe():
    config = load_config('configs/restorer_lite0.py', {'model.weights': 'shipped'}, say=lambda _: None)
    layout = model_to_train(config).layout
    assert layout.gray_net.head.weight.abs().max() > 0  # training from the start begins there at zero


def test_encoders_have_their_own_learning_rate_throughout():
    config = resolved('train_cfg.max_epochs=1', 'optimizer.lr=0.01', 'lr_schedule.final_factor=0.1')
    layout = model_to_train(config).layout
    optimizer = build_optimizer(config.optimizer, layout, encoder_lr_factor=0.2)
    others, encoders = optimizer.param_groups
    names = {id(weight): name for name, weight in layout.named_parameters()}
    assert all('.encoder.' in names[id(weight)] for weight in encoders['params'])
    assert not any('.encoder.' in names[id(weight)] for weight in others['params'])
    assert len(encoders['params']) + len(others['params']) == len(names)
    schedule = LearningRate(optimizer, config.lr_schedule, 12)
    for step in range(12):
        schedule.apply(step)
        assert encoders['lr'] == pytest.approx(0.2 * others['lr'])
    assert others['lr'] < 0.002
