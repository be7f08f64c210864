from tests.support import RECIPE, TINY
from toolbox.config.loading import load_config
from toolbox.config.options import parse_options
from toolbox.experiment import preflight as tryout
from toolbox.plugin.discovery import discover_plugins
from toolbox.training.stepping import TrainingStep

discover_plugins()


def test_it_needs_the_memory_that_training_will(photo_folder, monkeypatch):
    steps, averages = [], []

    class Step(TrainingStep):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            steps.append(self)

    class Average(tryout.WeightAverage):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            averages.append(self)

    monkeypatch.setattr(tryout, 'TrainingStep', Step)
    monkeypatch.setattr(tryout, 'WeightAverage', Average)
    options = {
        **parse_options([*TINY, 'train_cfg.ema=0.9', 'train_cfg.clip_norm=1.0']),
        'data.root': str(photo_folder),
        'model.losses': [dict(type='L1'), dict(type='PatchGAN', channels=4, layers=1)],
    }
    tryout._try(load_config(RECIPE, options, say=lambda _: None), 0)
    (step,), (average,) = steps, averages
    assert step.clip_norm == 1.0
    assert [bool(optimizer.state) for optimizer in step.optimizers[1:]] == [True]  # the critic's
    assert average.updates == 1
