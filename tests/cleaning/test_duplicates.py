"""Groups of images that show the same."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.support import scene
from toolbox.cleaning.duplicates import best_of_group, close_by_embedding, group_duplicates
from toolbox.cleaning.files import Facts, look_at


@pytest.fixture
def looks(tmp_path):
    """Looks at images by name; vectors are their colors, reduced."""

    def take(images: dict[str, Image.Image | bytes]):
        found = []
        for index, (name, image) in enumerate(images.items()):
            path = tmp_path / name
            image.save(path) if isinstance(image, Image.Image) else path.write_bytes(image)
            found.append(
                look_at(index, path, lambda rgb: np.asarray(Image.fromarray(rgb).resize((8, 8))).ravel() / 255)
            )
        return found

    return take


def groups(looks, max_bits: int = 7, max_distance: float = 0.5) -> list[int]:
    thumbnails = {look.sha256: look.thumbnail for look in looks}
    vectors = np.stack([look.prepared for look in looks]).astype(np.float32)
    hashes, facts = [look.sha256 for look in looks], [look.facts for look in looks]
    asked = group_duplicates(
        hashes, facts, vectors, lambda wanted: {key: thumbnails[key] for key in wanted}, max_bits, max_distance
    )
    return asked.tolist()


def photo(seed: int) -> Image.Image:
    return Image.fromarray(scene(seed, 192, 256))


def jpeg(image: Image.Image, quality: int) -> bytes:
    content = io.BytesIO()
    image.save(content, 'JPEG', quality=quality)
    return content.getvalue()


def test_copies_are_grouped_and_other_photographs_are_not(looks):
    images = {f'{seed}.png': photo(seed) for seed in range(20)}
    images['again.png'] = photo(0)
    images['recompressed.jpg'] = jpeg(photo(1), 40)
    images['reduced.png'] = photo(2).resize((90, 70))
    images['mirrored.png'] = ImageOps.mirror(photo(3))
    images['recompressed_mirror.jpg'] = jpeg(ImageOps.mirror(photo(3)), 60)
    expected = [0, 1, 2, 3] + [-1] * 16 + [0, 1, 2, 3, 3]
    assert groups(looks(images)) == expected


def test_equal_bytes_are_enough(looks):
    flat = Image.new('RGB', (50, 50), (9, 90, 9))
    images = {'a.png': flat, 'b.png': flat, 'other.png': Image.new('RGB', (50, 50), (90, 9, 9))}
    assert groups(looks(images)) == [0, 0, -1]


def test_flat_pictures_of_one_color_are_the_same_whatever_their_size(looks):
    colors = [(9, 90, 9), (9, 90, 9), (200, 30, 9)]
    images = {f'{index}.png': Image.new('RGB', (50 + index, 50), color) for index, color in enumerate(colors)}
    images.update({f'photo {seed}.png': photo(seed) for seed in range(5)})
    assert groups(looks(images))[:3] == [0, 0, -1]


def test_a_single_image_is_alone(looks):
    assert groups(looks({'a.png': photo(0)})) == [-1]


def test_who_is_linked_over_another_is_in_the_group(looks):
    """Each step darkens: neighbors correlate, the ends are compared by nobody."""
    images = {f'{step}.jpg': jpeg(photo(5), 90 - 15 * step) for step in range(5)}
    assert groups(looks(images)) == [0] * 5


def test_embeddings_propose_what_lies_much_closer_than_neighbors_do():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2000, 64)).astype(np.float32)
    copies = rng.choice(1000, 50, replace=False)
    vectors[1000:1050] = vectors[copies] + 0.03 * rng.normal(size=(50, 64))
    pairs = close_by_embedding(vectors, 0.5)
    assert pairs.tolist() == sorted([int(copy), 1000 + number] for number, copy in enumerate(copies))


def facts(width: int, height: int) -> Facts:
    return Facts(width, height, 'JPEG', 'RGB', False, False, 1, 2)


def test_the_largest_stays_then_the_least_compressed_then_the_first_by_name():
    sizes = [facts(10, 10), facts(20, 10), facts(10, 20), facts(20, 10)]
    assert best_of_group(sizes, [900, 100, 300, 200], ['a', 'b', 'c', 'd']) == 2
    assert best_of_group(sizes[1:], [100, 100, 100], ['z', 'y', 'x']) == 2
