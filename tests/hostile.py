"""Archives that somebody might send who means no good, or knows no better: each a function that writes one."""

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

NAMES = ('TEST_000.png', 'TEST_001.png', 'TEST_002.png')
SIZE = 32

# name -> (writes the archive, a part of the message that it must end in)
HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {}


def hostile(message: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    def register(write: Callable[[Path], None]) -> Callable[[Path], None]:
        HOSTILE[write.__name__] = (write, message)
        return write

    return register


def picture(seed: int = 0, size: int = SIZE) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8))


def png(image: Image.Image | None = None, **options: object) -> bytes:
    content = io.BytesIO()
    (image or picture()).save(content, 'PNG', **options)
    return content.getvalue()


def write_zip(path: Path, extra: dict[str | zipfile.ZipInfo, bytes] | None = None, **replaced: bytes) -> None:
    """A good archive, but for extra entries and for images replaced by number (`image_1=...`)."""
    images = {name: replaced.get(f'image_{number}', png()) for number, name in enumerate(NAMES)}
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)  # about doubled names
        for name, content in [*images.items(), *(extra or {}).items()]:
            archive.writestr(name, content)


def png_header(width: int, height: int, depth: int = 8, color_type: int = 2) -> bytes:
    """A PNG image that declares a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    header = struct.pack('>IIBBBBB', width, height, depth, color_type, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(b'\0')) + chunk(b'IEND', b'')


@hostile('a path out of the archive')
def slip_up(path: Path) -> None:
    write_zip(path, {'../evil.png': png()})


@hostile('a path out of the archive')
def slip_deep(path: Path) -> None:
    write_zip(path, {'images/../../../../tmp/evil.png': png()})


@hostile('a path out of the archive')
def absolute_path(path: Path) -> None:
    write_zip(path, {'/tmp/evil.png': png()})


@hostile('a path out of the archive')
def windows_path(path: Path) -> None:
    write_zip(path, {'C:\\evil.png': png(), '..\\evil.png': png()})


@hostile('a link')
def link(path: Path) -> None:
    entry = zipfile.ZipInfo('link.png')
    entry.external_attr = 0o120777 << 16
    write_zip(path, {entry: b'/etc/passwd'})


@hostile('a link')
def link_instead_of_an_image(path: Path) -> None:
    entry = zipfile.ZipInfo(NAMES[0])
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr(entry, '/etc/passwd')


@hostile('in a folder')
def folder(path: Path) -> None:
    write_zip(path, {'submission/TEST_000.png': png(), 'submission/': b''})


@hostile('as a bomb does')
def bomb(path: Path) -> None:
    write_zip(path, image_1=bytes(200 * 2**20))


@hostile('as a bomb does')
def bomb_behind_a_surplus_name(path: Path) -> None:
    write_zip(path, {'bomb.bin': bytes(100 * 2**20)})


@hostile('larger than')
def image_padded_to_many_bytes(path: Path) -> None:
    noise = np.random.default_rng(0).bytes(3 * 2**20)
    write_zip(path, image_1=png() + noise)


@hostile('40000x40000')
def pixel_bomb(path: Path) -> None:
    write_zip(path, image_1=png_header(40000, 40000))


@hostile('more than once')
def doubled_name(path: Path) -> None:
    with zipfile.ZipFile(path, 'w') as archive, warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)
        for name in (*NAMES, NAMES[1]):
            archive.writestr(name, png())


@hostile('a ZIP archive, whatever its name says')
def nested_zip(path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, 'w') as archive:
        archive.writestr(NAMES[1], png())
    write_zip(path, {'more.zip': inner.getvalue()}, image_1=inner.getvalue())


@hostile('not a readable ZIP archive')
def truncated_archive(path: Path) -> None:
    write_zip(path)
    path.write_bytes(path.read_bytes()[:-60])


@hostile('damaged')
def truncated_image(path: Path) -> None:
    write_zip(path, image_1=png()[:-500])


@hostile('encrypted')
def encrypted(path: Path) -> None:
    write_zip(path)
    _set_bits_of_entry(path, NAMES[1], flags=0x1)


@hostile('damaged: Bad CRC-32')
def wrong_crc(path: Path) -> None:
    content = png()
    with zipfile.ZipFile(path, 'w') as archive:  # stored, so that the image's bytes can be found
        for name in NAMES:
            archive.writestr(name, content)
    data = bytearray(path.read_bytes())
    data[data.index(content) + len(content) // 2] ^= 0xFF
    path.write_bytes(data)


@hostile('10,003 files')
def ten_thousand_entries(path: Path) -> None:
    write_zip(path, {f'{number}.png': b'' for number in range(10_000)})


@hostile('table of contents is larger')
def a_million_entries(path: Path) -> None:
    """A table of contents whose entries are all the same few bytes, as no honest program writes it."""
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('a', b'')
    data = path.read_bytes()
    start = data.index(b'PK\x01\x02')
    end = data.index(b'PK\x05\x06')
    entry = data[start:end] * 1_000_000
    path.write_bytes(
        data[:start] + entry + struct.pack('<4s4H2LH', b'PK\5\6', 0, 0, 65535, 65535, len(entry), start, 0)
    )


@hostile('no image, whatever its name says')
def text_named_png(path: Path) -> None:
    write_zip(path, image_1=b'These are not the pixels you are looking for.')


@hostile('a JPEG image, whatever its name says')
def jpeg_named_png(path: Path) -> None:
    content = io.BytesIO()
    picture().save(content, 'JPEG')
    write_zip(path, image_1=content.getvalue())


@hostile('not a readable ZIP archive')
def text_named_zip(path: Path) -> None:
    path.write_text('PK, but not really')


@hostile('surplus')
def escape_sequences(path: Path) -> None:
    write_zip(path, {'\x1b[2J\x1b]0;owned\x07.png': png()})


@hostile('compressed by method 12')
def unusual_compression(path: Path) -> None:
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_BZIP2) as archive:
        for name in NAMES:
            archive.writestr(name, png())


@hostile('damaged')
def overlapping_entries(path: Path) -> None:
    """All entries of the table of contents point at one content."""
    write_zip(path)
    data = bytearray(path.read_bytes())
    position = -1
    while (position := data.find(b'PK\x01\x02', position + 1)) >= 0:
        data[position + 42 : position + 46] = bytes(4)
    path.write_bytes(data)


def _set_bits_of_entry(path: Path, name: str, flags: int) -> None:
    """Set general purpose flags of an entry in both places that hold them."""
    data = bytearray(path.read_bytes())
    for signature, flags_at, name_at in ((b'PK\x03\x04', 6, 30), (b'PK\x01\x02', 8, 46)):
        position = -1
        while (position := data.find(signature, position + 1)) >= 0:
            if data[position + name_at :].startswith(name.encode()):
                data[position + flags_at] |= flags
    path.write_bytes(data)
