"""In one line: what this file holds.

1. Write what the part does, below.
2. Check it: python tools/plugins.py check embedders MyPart
3. Use it: python tools/clean_data.py DIR --out DIR --cfg-options embedder.type=MyPart
"""

import numpy as np
from PIL import Image

from toolbox.registry import EMBEDDERS


@EMBEDDERS.register_module()
class MyPart:
    """In one line: what it looks at; `tools/plugins.py list` shows this line.

    Source: paper and section.

    Args:
        side: images are reduced to this square, px.
        batch_size: images per call.
    """

    def __init__(self, side: int = 16, batch_size: int = 64) -> None:
        if side < 1:
            raise ValueError(f'MyPart(side={side}): expected 1 or more')
        self.side = side
        self.batch_size = batch_size
        # Vectors are kept under this name: change it whenever they would come out different.
        self.identity = f'MyPart 1, {side} px'

    def prepare(self, rgb: np.ndarray) -> np.ndarray:
        """In a loader process, one image: uint8 (H, W, 3) -> an array of one shape for all images."""
        return np.asarray(Image.fromarray(rgb).resize((self.side, self.side), Image.Resampling.BOX))

    def __call__(self, prepared: np.ndarray) -> np.ndarray:
        """In the main process, stacked: (N, ...) -> float32 (N, D); a row depends on its image alone."""
        return prepared.reshape(len(prepared), -1).astype(np.float32) / 255
