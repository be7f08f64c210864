"""The names of `toolbox.images.color`, for plugins."""

from toolbox.images.color import (
    LUMA_WEIGHTS as LUMA_WEIGHTS,
)
from toolbox.images.color import (
    chroma_from_rgb as chroma_from_rgb,
)
from toolbox.images.color import (
    gray_from_rgb as gray_from_rgb,
)
from toolbox.images.color import (
    lab_from_rgb as lab_from_rgb,
)
from toolbox.images.color import (
    luma as luma,
)
from toolbox.images.color import (
    replace_luma as replace_luma,
)
from toolbox.images.color import (
    rgb_from_chroma as rgb_from_chroma,
)
from toolbox.images.color import (
    rgb_from_lab as rgb_from_lab,
)
from toolbox.images.color import (
    to_float as to_float,
)
from toolbox.images.color import (
    to_uint8 as to_uint8,
)
from toolbox.images.color import (
    with_luma as with_luma,
)
