"""Digests of files and of bytes. Standard library only."""

import hashlib
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 2**20


def new_digest() -> Any:
    """The digest by which damage is told, of nothing yet."""
    return hashlib.blake2b(digest_size=16)


def digest_of_file(path: Path) -> str:
    """Of a file's bytes, in hexadecimal digits."""
    total = new_digest()
    with open(path, 'rb') as file:
        while chunk := file.read(_CHUNK_BYTES):
            total.update(chunk)
    return total.hexdigest()


def digest(*parts: bytes) -> bytes:
    """16 bytes of the parts and of where each one ends."""
    total = new_digest()
    for part in parts:
        total.update(len(part).to_bytes(8, 'little'))
        total.update(part)
    return total.digest()


def sha256_of_file(path: Path) -> str:
    """Of a file's bytes, in hexadecimal digits, as other programs compute it."""
    total = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(_CHUNK_BYTES):
            total.update(chunk)
    return total.hexdigest()
