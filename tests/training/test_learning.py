"""The whole path learns: four photographs, overfitted, are restored better than classical inpainting leaves them."""

from pathlib import Path

import torch
from PIL import Image

from tests.support import RECIPE, TINY
from toolbox.config.loading import load_config
from toolbox.config.options import parse_options
from toolbox.data.dataset import TrainingDataset, ValidationDataset
from toolbox.data.loaders import training_loader, validation_loader
from toolbox.data.sources import open_source
from toolbox.scoring.baselines import telea
from toolbox.training.evaluation import baseline_restorer, build_evaluator, evaluate
from toolbox.training.model import RestorationModel
from toolbox.training.optimizers import build_optimizer
from toolbox.training.stepping import TrainingStep

SMALL = ['model.decoder.type=Unet', 'model.decoder.decoder_channels=(32,16,16)']


def small_squares(folder):
    """Four bundled photographs, cut square and reduced to 48 px."""
    photos = open_source(None)
    names = ('astronaut.png', 'chelsea.png', 'china.jpg', 'motorcycle_left.png')
    for photo in photos.subset(map(list(photos.names).index, names)):
        with Image.open(photo.path) as image:
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            square = image.convert('RGB').crop((left, top, left + side, top + side))
        square.resize((48, 48), Image.Resampling.BOX).save(folder / Path(photo.name).with_suffix('.png'))
    return open_source(folder)


def test_four_photographs_are_learned(tmp_path):
    options = [*TINY, *SMALL, 'data.size=48', 'data.transforms=[]', 'data.mask.type=CompetitionShapes']
    config = load_config(RECIPE, parse_options(options), say=lambda _: None)
    photos, steps = small_squares(tmp_path), 300
    torch.manual_seed(0)
    model = RestorationModel(config.model)
    optimizer = build_optimizer(dict(type='AdamW', lr=1.5e-2), model.layout)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.5e-2, steps)
    loader = training_loader(TrainingDataset(photos, config.data, seed=0, max_epochs=1), batch_size=4, workers=0)
    take_step = TrainingStep(model, model, optimizer)
    model.train()
    for step in range(steps):
        loader.sampler.start_at(step)
        for batch in loader:
            take_step(batch)
        schedule.step()
    validation = validation_loader(ValidationDataset(photos, config.data, seed=0), batch_size=4, workers=0)
    learned = evaluate(validation, model.eval().val_step, build_evaluator(config.metrics))
    inpainted = evaluate(validation, baseline_restorer(telea), build_evaluator(config.metrics))
    assert learned['n'] == inpainted['n'] == 4
    assert learned['score'] > inpainted['score'] + 0.05
    assert learned['hue_similarity'] > inpainted['hue_similarity'] + 0.2
