"""The names of `toolbox.images.color`, for plugins."""

from toolbox.images.color import (
    LUMA_WEIGHTS as LUMA_WEIGHTS,
    chroma_from_rgb as chroma_from_rgb,
    gray_from_rgb as gray_from_rgb,
    lab_from_rgb as lab_from_rgb,
    luma as luma,
    replace_luma as replace_luma,
    rgb_from_chroma as rgb_from_chroma,
    rgb_from_lab as rgb_from_lab,
    to_float as to_float,
    to_uint8 as to_uint8,
    with_luma as with_luma,
)
