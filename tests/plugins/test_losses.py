"""What all losses share, and the losses of one formula against numpy, scipy and skimage."""

import numpy as np
import pytest
import scipy.ndimage
import torch
from skimage.filters import sobel_h, sobel_v

from tests.plugins.losses_support import (
    build,
    holes,
    images,
    masks,
    numerical_gradient_agrees,
    photographs,
    predictions,
)
from toolbox.plugin.checks import losses as contract
from toolbox.plugin.registry import LOSSES

REGIONAL = ('L1', 'MSE', 'Charbonnier', 'Gradient', 'SSIM')  # an error far from the region does not reach these


def example(name: str, **options):
    tiny = {'Perceptual': dict(backbone='test_resnet', weights=None, layers=(0, 1, 2)), 'PatchGAN': dict(channels=8)}
    return build(name, **tiny.get(name, {}), **options)


@pytest.fixture(scope='module')
def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Prediction, target, mask."""
    truth = photographs()
    return images(predictions(truth)), images(truth), masks(holes(*truth.shape[:3]))


@pytest.mark.parametrize('name', list(LOSSES.module_dict))
def test_each_image_of_the_batch_counts_the_same(name, batch):
    loss = example(name)
    alone = [loss(*(tensor[i : i + 1] for tensor in batch)) for i in range(3)]
    torch.testing.assert_close(loss(*batch), torch.stack(alone).mean(), rtol=1e-5, atol=1e-6)


@pytest.mark.cuda
@pytest.mark.parametrize('name', list(LOSSES.module_dict))
def test_a_gpu_gives_the_same(name, batch):
    loss, gradients, values = example(name), [], []
    for device in ('cpu', 'cuda'):
        pred, target, mask = (tensor.to(device) for tensor in batch)
        value = loss.to(device)(pred.requires_grad_(), target, mask)
        gradients.append(torch.autograd.grad(value, pred)[0].cpu())
        values.append(value.detach().cpu())
    torch.testing.assert_close(*values, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(*gradients, rtol=1e-2, atol=1e-2 * gradients[0].abs().max().item())


# Total variation has no target, a critic judges, and a distribution costs its own entropy.
NONE_AT_THE_TARGET = set(LOSSES.module_dict) - {'TotalVariation', 'PatchGAN', 'Charbonnier', 'SoftCrossEntropy'}


@pytest.mark.parametrize('name', sorted(NONE_AT_THE_TARGET))
def test_the_target_itself_costs_nothing(name, batch):
    _, target, mask = batch
    assert example(name)(target, target, mask).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize('name', REGIONAL)
def test_a_region_does_not_see_the_rest(name, batch):
    pred, target, mask = batch
    margin = torch.nn.functional.max_pool2d(mask, 9, stride=1, padding=4)  # what a window at the edge still sees
    elsewhere = torch.where(margin > 0, pred, 1 - pred)
    elsewhere[:, :, 0, 0], elsewhere[:, :, -1, -1] = 0, 1  # one data range for both
    pred = pred.clone()
    pred[:, :, 0, 0], pred[:, :, -1, -1] = 0, 1
    torch.testing.assert_close(
        build(name, region='hole')(elsewhere, target, mask), build(name, region='hole')(pred, target, mask)
    )


@pytest.mark.parametrize('name', ['L1', 'MSE', 'Charbonnier', 'Gradient', 'SSIM'])
def test_hole_and_known_add_up_to_all(name, batch):
    pred, target, mask = (tensor[:1] for tensor in batch)
    border = 3 if name == 'SSIM' else 0
    inside = mask[..., border : mask.shape[2] - border, border : mask.shape[3] - border]
    share = inside.mean()
    parts = [build(name, region=region)(pred, target, mask) for region in ('hole', 'known', 'all')]
    torch.testing.assert_close(share * parts[0] + (1 - share) * parts[1], parts[2])


def test_l1_and_mse_in_the_hole(batch):
    pred, target, mask = batch
    errors = [(p - t)[:, m[0] > 0] for p, t, m in zip(*batch, strict=True)]
    absolute, squared = np.mean([e.abs().mean() for e in errors]), np.mean([(e**2).mean() for e in errors])
    assert build('L1', region='hole')(pred, target, mask).item() == pytest.approx(absolute, rel=1e-5)
    assert build('MSE', region='hole')(pred, target, mask).item() == pytest.approx(squared, rel=1e-5)


def test_charbonnier(batch):
    pred, target, _ = batch
    expected = np.sqrt((pred - target).numpy().astype(float) ** 2 + 0.01**2).mean()
    assert build('Charbonnier', eps=0.01)(*batch).item() == pytest.approx(expected, rel=1e-5)


def test_gradient_is_skimages_sobel(batch):
    pred, target, _ = batch
    expected = 0.0
    for p, t in zip(pred.flatten(0, 1).numpy(), target.flatten(0, 1).numpy(), strict=True):
        # skimage's Sobel gives 2 for a ramp that rises by 1
        expected += np.abs(sobel_h(p) - sobel_h(t)).mean() / 2 + np.abs(sobel_v(p) - sobel_v(t)).mean() / 2
    assert build('Gradient')(*batch).item() == pytest.approx(expected / 9, rel=1e-5)


def test_gradient_of_a_ramp():
    flat, mask = torch.full((1, 1, 8, 9), 0.1), torch.ones(1, 1, 8, 9)
    mask[..., 0] = mask[..., -1] = 0
    ramp = 0.1 * torch.arange(9.0).expand(1, 1, 8, 9)
    assert build('Gradient', region='hole')(ramp, flat, mask).item() == pytest.approx(0.1)


def test_total_variation_counts_the_seam_of_the_hole():
    pred, mask = torch.zeros(1, 1, 5, 5), torch.zeros(1, 1, 5, 5)
    pred[..., 2, 2] = mask[..., 2, 2] = 1
    assert build('TotalVariation', region='hole')(pred, pred, mask).item() == pytest.approx(2)  # 1 in each direction
    assert build('TotalVariation')(pred, pred, mask).item() == pytest.approx(2 * 2 / 20)


def test_total_variation_of_a_photograph(batch):
    pred = batch[0].numpy()
    expected = np.abs(np.diff(pred, axis=2)).mean() + np.abs(np.diff(pred, axis=3)).mean()
    assert build('TotalVariation')(*batch).item() == pytest.approx(expected, rel=1e-5)


def test_focal_frequency_is_equations_8_and_9(batch):
    pred, target, _ = batch
    distance = np.abs(np.fft.fft2((pred - target).numpy().astype(float), norm='ortho'))
    weight = distance / distance.max((2, 3), keepdims=True)
    assert build('FocalFrequency')(*batch).item() == pytest.approx((weight * distance**2).mean(), rel=1e-4)


@pytest.mark.parametrize('region', ['all', 'hole', 'known'])
def test_focal_frequency_without_focus_is_the_squared_error(region, batch):
    expected = build('MSE', region=region)(*batch)
    torch.testing.assert_close(build('FocalFrequency', alpha=0, region=region)(*batch), expected)


def test_colorfulness_is_hasler_and_suesstrunks(batch):
    def measure(rgb: np.ndarray, inside: np.ndarray) -> float:
        red, green, blue = rgb[:, inside]
        opponents = np.stack([red - green, (red + green) / 2 - blue])
        return np.hypot(*opponents.std(1)) + 0.3 * np.hypot(*opponents.mean(1))

    rows = [[tensor.numpy() for tensor in row] for row in zip(*batch, strict=True)]
    expected = np.mean([abs(measure(p, m[0] > 0) - measure(t, m[0] > 0)) for p, t, m in rows])
    assert build('Colorfulness', region='hole')(*batch).item() == pytest.approx(expected, rel=1e-4)


def test_ms_ssim_is_wangs(batch):
    pred, target, mask = (tensor[:1] for tensor in batch)
    larger = [torch.nn.functional.interpolate(image, scale_factor=2, mode='bilinear') for image in (pred, target, mask)]
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    values = [_ms_ssim(*(image[0, c].double().numpy() for image in larger[:2]), weights) for c in range(3)]
    assert min(larger[0].shape[2:]) >= 176
    assert 1 - build('MSSSIM')(*larger).item() == pytest.approx(np.mean(values), abs=1e-6)
    # 96 px have room for four scales
    values = [_ms_ssim(*(image[0, c].double().numpy() for image in (pred, target)), weights[:4]) for c in range(3)]
    assert 1 - build('MSSSIM')(pred, target, mask).item() == pytest.approx(np.mean(values), abs=1e-6)


def _ms_ssim(x: np.ndarray, y: np.ndarray, weights: tuple[float, ...]) -> float:
    def blur(image: np.ndarray) -> np.ndarray:
        return scipy.ndimage.gaussian_filter(image, 1.5, truncate=3.5)[5:-5, 5:-5]

    value = 1.0
    for scale, weight in enumerate(weights):
        if scale:
            x, y = (image.reshape(image.shape[0] // 2, 2, image.shape[1] // 2, 2).mean((1, 3)) for image in (x, y))
        mean_x, mean_y = blur(x), blur(y)
        variances = blur(x * x) - mean_x**2 + blur(y * y) - mean_y**2
        rated = (2 * (blur(x * y) - mean_x * mean_y) + 0.03**2) / (variances + 0.03**2)
        if scale == len(weights) - 1:
            rated = rated * (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
        value *= rated.mean() ** (weight / sum(weights))
    return value


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('MSE', {}),
        ('Charbonnier', dict(eps=0.1)),
        ('SSIM', dict(data_range=1.0)),
        ('SSIM', dict(window='gaussian', data_range=1.0)),
        ('MaskedSSIM', dict(data_range=1.0)),
        ('MSSSIM', {}),
        ('Colorfulness', {}),
        ('FocalFrequency', dict(alpha=0)),  # otherwise the weights, which are constants, move along
        ('PatchGAN', dict(channels=2, layers=1)),
    ],
)
def test_gradients_are_the_numerical_ones(name, options):
    generator = torch.Generator().manual_seed(3)
    pred, target = (torch.rand(2, 3, 9, 8, generator=generator) for _ in range(2))
    mask = torch.zeros(2, 1, 9, 8)
    mask[0, :, 2:7, 1:5], mask[1, :, 4, 2:6] = 1, 1
    assert numerical_gradient_agrees(build(name, **options).double(), pred, target, mask)


@pytest.mark.parametrize(
    ('name', 'option', 'value'),
    [
        ('L1', 'region', 'inside'),
        ('Charbonnier', 'eps', 0),
        ('SSIM', 'window', 'hann'),
        ('SSIM', 'data_range', 0),
        ('MaskedSSIM', 'data_range', 'target'),
        ('FocalFrequency', 'alpha', -1),
        ('HueHistogram', 'bandwidth', 0),
        ('PatchGAN', 'objective', 'wgan'),
        ('PatchGAN', 'layers', 0),
        ('Perceptual', 'layers', ()),
    ],
)
def test_impossible_options_are_named(name, option, value):
    with pytest.raises(ValueError, match=option):
        build(name, **{option: value})


@pytest.mark.parametrize('name', ['HueHistogram', 'Colorfulness'])
def test_losses_of_color_refuse_gray(name):
    gray = torch.rand(1, 1, 8, 8)
    with pytest.raises(ValueError, match=f"{name} needs color .* got 1: put it on='rgb'"):
        build(name)(gray, gray, gray)


def test_shapes_that_do_not_belong_together():
    image = torch.rand(1, 3, 8, 8)
    with pytest.raises(ValueError, match=r'one shape .* \(1, 3, 8, 8\) and \(1, 1, 8, 8\)'):
        build('L1')(image, image[:, :1], image[:, :1])
    with pytest.raises(ValueError, match=r'mask of shape \(1, 1, 8, 8\), got \(1, 3, 8, 8\)'):
        build('L1')(image, image, image)


class _Loss:
    """A mean absolute error with something added, to plant violations."""

    def __init__(self, value, needs_color: bool = False) -> None:
        self.value, self.needs_color = value, needs_color

    def __call__(self, pred, target, mask):
        return self.value(pred, target, mask)


@pytest.mark.parametrize(
    ('value', 'words'),
    [
        (lambda p, t, m: (p - t).abs(), 'one number'),
        (lambda p, t, m: ((p - t) * m).sum() / m.sum(), 'returns nan'),
        (lambda p, t, m: (p - t).square().mean().sqrt(), 'gradient that is not finite'),
        (lambda p, t, m: (p.var((2, 3)).sqrt() - t.var((2, 3)).sqrt()).abs().mean(), 'a constant prediction'),
        (lambda p, t, m: (p - t).abs().mean() + torch.rand(()), 'two values'),
        (lambda p, t, m: (p.sub_(t) if not p.requires_grad else p - t).abs().mean(), 'in place'),
        (lambda p, t, m: (p - t).abs().mean().detach(), 'no gradient'),
        (lambda p, t, m: (p - t.to(p.dtype)).abs().mean(), 'bfloat16'),
    ],
)
def test_the_contract_says_what_is_violated(value, words):
    assert words in ' '.join(contract.violations(lambda: _Loss(value)))


def test_the_contract_asks_color_losses_to_refuse_gray():
    lenient = _Loss(lambda p, t, m: (p - t).abs().mean(), needs_color=True)
    assert 'one channel is no ValueError' in ' '.join(contract.violations(lambda: lenient))
