"""The model that comes with the package: what restores where no checkpoint is named (docs/model.md)."""

from pathlib import Path

SHIPPED = Path(__file__).parent / 'restorer_lite0.safetensors'


def shipped_model() -> Path:
    """The file of the shipped model, a checkpoint like any other.

    Raises:
        FileNotFoundError: this installation lacks it.
    """
    if not SHIPPED.is_file():
        raise FileNotFoundError(
            f'this installation lacks the shipped model ({SHIPPED}): name a checkpoint, or install Huefill anew'
        )
    return SHIPPED
