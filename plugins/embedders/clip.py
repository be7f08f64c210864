"""CLIP, through open_clip."""

import difflib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from toolbox.nn.device import default_device
from toolbox.nn.embedding import embed_images, weights_digest
from toolbox.nn.weights import hub_file, read_weights
from toolbox.registry import EMBEDDERS

_WITHOUT = 'embedder.type=ColorTexture   describe images without weights'
_FILENAMES = ('open_clip_model.safetensors', 'open_clip_pytorch_model.bin')
# What of a pretrained tag says how images were prepared in its training, and open_clip's names for it.
_PREPROCESSING = {key: f'image_{key}' for key in ('mean', 'std', 'interpolation', 'resize_mode')}


@EMBEDDERS.register_module()
class CLIP:
    """What an image shows, as a network knows it that learned to match images and their captions.

    Images are prepared as in the training of the weights, run in batches (in half precision on CUDA), and their vectors
    have length 1.

    Source: Radford et al., Learning Transferable Visual Models From Natural Language Supervision, ICML 2021, section
    2.4; computed by open_clip (Cherti et al., Reproducible Scaling Laws for Contrastive Language-Image Learning, CVPR
    2023).

    Args:
        model: an architecture of open_clip, or the path of a .json that describes one.
        pretrained: the tag of a training (`open_clip.list_pretrained()`): its weights, and its way to prepare images.
            With `weights`, only the latter; None for the architecture's own.
        weights: a file of weights, in place of those of the tag.
        sha256: the digest that this file must have.
        batch_size: images at once.

    Raises:
        ValueError: no such architecture or tag, or weights that do not fit.
        FileNotFoundError, ConnectionError: the weights cannot be had.
    """

    file_options = ('model', 'pretrained', 'weights')

    def __init__(
        self,
        model: str = 'ViT-B-32',
        pretrained: str | None = 'laion2b_s34b_b79k',
        weights: str | None = None,
        sha256: str | None = None,
        batch_size: int = 64,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f'CLIP(batch_size={batch_size}): expected 1 or more')
        if weights is None and pretrained is None:
            raise ValueError('CLIP(pretrained=None, weights=None): give the tag of a training, or a file of weights')
        model = _known_architecture(model)
        tag = _known_tag(model, pretrained)
        path = _hub_weights(tag) if weights is None else Path(weights).expanduser()
        self.batch_size = batch_size
        self._device = default_device()
        network, self._transform = _load(model, tag, path, sha256)
        self._network = network.eval().to(self._device)
        preparation = ' '.join(str(self._transform).split())
        self.identity = f'CLIP 1, {model}, weights {weights_digest(network)}, {preparation}, {self._device.type}'

    @staticmethod
    def example_options(folder: Path) -> dict[str, object]:
        """A tiny architecture with random weights in a file."""
        import open_clip

        description = {
            'embed_dim': 16,
            'vision_cfg': {'image_size': 32, 'layers': 2, 'width': 32, 'patch_size': 8, 'head_width': 16},
            'text_cfg': {'context_length': 8, 'vocab_size': 64, 'width': 16, 'heads': 2, 'layers': 1},
        }
        (folder / 'tiny_clip.json').write_text(json.dumps(description), encoding='utf-8')
        open_clip.add_model_config(folder / 'tiny_clip.json')
        with torch.random.fork_rng(devices=[]), _no_warnings():
            torch.manual_seed(0)
            network = open_clip.create_model('tiny_clip', load_weights=False)
        torch.save(network.state_dict(), folder / 'tiny_clip.pt')
        return {
            'model': str(folder / 'tiny_clip.json'),
            'pretrained': None,
            'weights': str(folder / 'tiny_clip.pt'),
            'batch_size': 4,
        }

    def prepare(self, rgb: np.ndarray) -> np.ndarray:
        """Resized, cropped and normalized: uint8 (H, W, 3) -> float32 (3, side, side)."""
        return self._transform(Image.fromarray(rgb)).numpy()

    def __call__(self, prepared: np.ndarray) -> np.ndarray:
        """(N, 3, side, side) -> (N, D) float32, unit vectors."""
        return embed_images(self._network.encode_image, prepared, self.batch_size, self._device)


def _known_architecture(model: str) -> str:
    """The name of an architecture that open_clip knows, told of it if it is a file."""
    import open_clip

    if model.endswith('.json'):
        path = Path(model).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f'CLIP(model={model!r}): no such file; give the .json of an open_clip architecture')
        open_clip.add_model_config(path)
        return path.stem
    known = open_clip.list_models()
    if model not in known:
        near = difflib.get_close_matches(model, known, n=3, cutoff=0.4)
        raise ValueError(
            f'CLIP(model={model!r}): open_clip has no such architecture; the nearest are {", ".join(near) or "none"}'
        )
    return model


def _known_tag(model: str, pretrained: str | None) -> dict[str, object]:
    """What open_clip says of a tag: where its weights are, and how images are prepared for them."""
    import open_clip

    if pretrained is None:
        return {}
    tag = open_clip.get_pretrained_cfg(model, pretrained)
    if not tag:
        known = ', '.join(open_clip.list_pretrained_tags_by_model(model)) or 'none'
        raise ValueError(
            f'CLIP(pretrained={pretrained!r}): open_clip has no such training of {model}; it has {known}. '
            'With weights from a file, pretrained=None takes them as they are'
        )
    return tag


def _hub_weights(tag: dict[str, object]) -> Path:
    repository, _, filename = str(tag['hf_hub']).rpartition('/')
    return hub_file(repository, (filename,) if filename else _FILENAMES, without=_WITHOUT)


def _load(model: str, tag: dict[str, object], path: Path, sha256: str | None):
    """The network with the weights of a file, all of them, and its way to prepare images."""
    import open_clip

    read_weights(path, sha256)  # says in words what is wrong with a file; open_clip reads it in its own way once more
    preprocessing = {name: tag[key] for key, name in _PREPROCESSING.items() if key in tag}
    with _no_warnings():
        network, _, transform = open_clip.create_model_and_transforms(
            model, load_weights=False, force_quick_gelu=bool(tag.get('quick_gelu')), **preprocessing
        )
    try:
        open_clip.load_checkpoint(network, str(path))
    except (RuntimeError, AssertionError) as error:  # what open_clip says of other shapes
        raise ValueError(f'CLIP(weights={str(path)!r}): not the weights of {model}: {_first_problem(error)}') from error
    return network, transform


@contextmanager
def _no_warnings() -> Iterator[None]:
    """open_clip warns of a network without weights; ours gets them next."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _first_problem(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[1] if len(lines) > 1 else lines[0]).strip()[:300]
