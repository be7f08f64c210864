"""A first look at an image file: one read, one decoding, and all that is worth knowing about it."""

import hashlib
import io
import json
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from PIL import Image

from toolbox.cleaning.fingerprint import fingerprint
from toolbox.images.io import UnreadableImage, open_image, orientation, upright
from toolbox.images.tones import as_gray_or_rgb

THUMBNAIL_SIDE = 64
_THUMBNAIL_QUALITY = 70
# Colors closer to gray than this, of 255, are what compression makes of gray.
_GRAY_TOLERANCE = 10
_GRAY_SHARE = 0.99
_PLAIN_MODES = ('L', 'RGB')
# Formats whose further frames are an animation; in others they are pages, or a camera's second picture.
_ANIMATIONS = ('AVIF', 'GIF', 'PNG', 'WEBP')


@dataclass(frozen=True)
class Facts:
    """What is known of a file that could be decoded.

    Attributes:
        width, height: of the upright image, px.
        format: as Pillow names it.
        mode: how the file stores a pixel, as Pillow names it: 'L' and 'RGB' are ordinary.
        is_gray: no color to speak of, in whatever mode.
        is_animated: several frames.
        fingerprint: of what it shows, 64 bits; near duplicates differ in few.
        mirrored: the fingerprint of its mirror image.
    """

    width: int
    height: int
    format: str
    mode: str
    is_gray: bool
    is_animated: bool
    fingerprint: int
    mirrored: int

    @property
    def pixels(self) -> int:
        """How many there are."""
        return self.width * self.height

    @property
    def has_plain_mode(self) -> bool:
        """Whether nothing had to be converted to get gray or RGB, 8 bits deep."""
        return self.mode in _PLAIN_MODES

    def to_json(self) -> str:
        """For the cache."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> 'Facts':
        """From the cache.

        Raises:
            ValueError, TypeError: these are none.
        """
        facts = cls(**json.loads(text))
        for field in fields(cls):
            if type(getattr(facts, field.name)) is not field.type:
                raise ValueError(f'{field.name}={getattr(facts, field.name)!r}: expected {field.type.__name__}')
        return facts


@dataclass
class Look:
    """What one look at a file gave.

    Attributes:
        index: which file of the data set.
        sha256: of its bytes; empty if it could not be read at all.
        num_bytes: its size.
        failure: why it is no image, in words; None if it is one. The rest is None for a failure.
        facts, thumbnail, prepared: the image's facts, its WebP thumbnail, and what the embedder wants to see of it.
            None, too, if the file was known already and not decoded.
    """

    index: int
    sha256: bytes = b''
    num_bytes: int = 0
    failure: str | None = None
    facts: Facts | None = None
    thumbnail: bytes | None = None
    prepared: np.ndarray | None = None


def look_at(
    index: int, path: Path, prepare: Callable[[np.ndarray], np.ndarray], known: frozenset[bytes] = frozenset()
) -> Look:
    """Read a file, and unless its SHA-256 is among the known ones decode it and prepare it for the embedder."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe can take for ever
            return Look(index, failure='no regular file')
        content = path.read_bytes()
    except OSError as error:
        return Look(index, failure=error.strerror or str(error))
    look = Look(index, hashlib.sha256(content).digest(), len(content))
    if look.sha256 in known:
        return look
    try:
        look.facts, look.thumbnail, rgb = _decode(content)
    except UnreadableImage as error:
        look.failure = error.reason
        return look
    look.prepared = prepare(rgb)
    return look


def _decode(content: bytes) -> tuple[Facts, bytes, np.ndarray]:
    with open_image(io.BytesIO(content)) as image:
        file_format, mode = image.format or '', image.mode
        is_animated = file_format in _ANIMATIONS and bool(getattr(image, 'is_animated', False))
        image.load()
        picture = upright(as_gray_or_rgb(image).picture, orientation(image)).convert('RGB')
        small = picture.resize((32, 32), Image.Resampling.BOX, reducing_gap=3)
        straight, mirrored = fingerprint(np.asarray(small.convert('L')))
        facts = Facts(*picture.size, file_format, mode, _is_gray(small), is_animated, straight, mirrored)
        return facts, _thumbnail(picture), np.asarray(picture)


def _is_gray(small: Image.Image) -> bool:
    rgb = np.asarray(small)
    return bool(np.mean(np.ptp(rgb, axis=2) <= _GRAY_TOLERANCE) >= _GRAY_SHARE)


def is_thumbnail(content: bytes) -> bool:
    """Whether bytes begin as a WebP file does."""
    return content[:4] == b'RIFF' and content[8:12] == b'WEBP'


def _thumbnail(picture: Image.Image) -> bytes:
    thumbnail = picture.copy()
    thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BICUBIC, reducing_gap=3)
    content = io.BytesIO()
    thumbnail.save(content, 'WEBP', quality=_THUMBNAIL_QUALITY)
    return content.getvalue()
