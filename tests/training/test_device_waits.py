"""A training step asks the GPU for nothing while it is queued: a wait there leaves the GPU idle until it ends.

`toolbox.training.stepping` waits once, for the losses, after all of the step is queued. What a backward pass and the
optimizers wait for is not seen without a GPU; on one, torch itself says where the process waits.
"""

import pytest
import torch

from tests.device_waits import fake_cuda, to_fake_cuda
from toolbox.config.loading import load_config
from toolbox.images.color import lab_from_rgb
from toolbox.nn.chroma_classes import encode
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.types import Batch
from toolbox.training.load_model import model_to_train
from toolbox.training.optimizers import build_optimizer

pytestmark = pytest.mark.filterwarnings('ignore:.*CUDA is not available')

discover_plugins()

RECIPES = ['unetpp_cbam_b4', 'palette_b4', 'restorer_lite0']
SIZE = 64
# A line of a hole's pixels is as long as the hole is large.
ALLOWED = {('plugins/losses/masked_ssim.py:per_image', '_local_scalar_dense')}


def model_of(recipe):
    options = {'model.encoder.name': 'test_efficientnet', 'model.encoder.weights': None}
    model = model_to_train(load_config(f'configs/{recipe}.py', options, say=lambda _: None))
    model.trains_in = 'float32'
    return model


def on_fake_cuda(batch):
    return batch._map(lambda _, tensor: torch.empty_like(tensor, device='cuda'))


@pytest.mark.parametrize(
    ('operator', 'code'),
    [
        ('_local_scalar_dense', lambda x: x.sum().item()),
        ('_local_scalar_dense', lambda x: bool((x > 0).any())),
        ('_local_scalar_dense', lambda x: x.tolist()),
        ('nonzero', lambda x: x.nonzero()),
        ('index', lambda x: x[x > 0]),
        ('_to_copy', lambda x: x.cpu()),
        ('_to_copy', lambda x: torch.ones(3).to(x.device)),
        ('_to_copy', lambda x: x.new_tensor([1.0, 2.0])),
    ],
)
def test_each_kind_of_wait_is_seen(operator, code):
    with fake_cuda() as waits:
        x = torch.zeros(3, device='cuda')
        try:
            code(x)
        except Exception as error:  # of a size that fake tensors cannot know
            assert 'Dynamic' in type(error).__name__, error  # noqa: PT017
    assert operator in {name for _, name in waits.found}


def test_what_waits_for_nothing_is_not_counted():
    with fake_cuda() as waits:
        x = torch.zeros(3, device='cuda')
        torch.ones(3).to('cuda', non_blocking=True)
        (x + torch.arange(3, device='cuda')).clamp(0, 1).sum()
    assert waits.found == []


@pytest.mark.parametrize('recipe', RECIPES)
def test_a_shipped_recipe_waits_for_the_length_of_a_holes_line_alone(recipe):
    model = model_of(recipe)
    encode(torch.rand(1, 3, 2, 2))  # tables are made once, and sent to a device once
    with fake_cuda() as waits:
        to_fake_cuda(model).train()
        first = model(on_fake_cuda(Batch.blank(SIZE, SIZE, 2)))
        waits.found.clear()
        losses = model(on_fake_cuda(Batch.blank(SIZE, SIZE, 2)))
    assert losses.keys() == first.keys()
    assert all(loss.is_cuda for loss in losses.values())
    assert set(waits.found) == ALLOWED


def test_lab_sends_no_matrix_to_the_device():
    with fake_cuda() as waits:
        lab_from_rgb(torch.zeros(1, 3, 4, 4, device='cuda'))
    assert waits.found == []


@pytest.mark.cuda
@pytest.mark.parametrize('recipe', RECIPES)
def test_a_gpu_waits_as_often_as_fake_tensors_say(recipe):
    """Forward pass, losses, backward pass and optimizer, by torch's own count."""
    model = model_of(recipe).cuda().train()
    optimizer = build_optimizer(dict(type='AdamW', lr=1e-4), model.layout)
    batch = Batch.blank(SIZE, SIZE, 2)._map(lambda _, tensor: tensor.cuda())

    def step():
        sum(model(batch).values()).backward()
        optimizer.step()

    step()
    step()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode('warn')
    try:
        with pytest.warns(UserWarning, match='synchronizing CUDA operation') as told:
            step()
    finally:
        torch.cuda.set_sync_debug_mode('default')
    assert len([one for one in told if 'synchronizing' in str(one.message)]) == 1
