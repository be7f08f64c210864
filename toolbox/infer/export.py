"""Writes a trained model as one small file."""

from pathlib import Path

from toolbox.infer.request import find_checkpoints
from toolbox.system.disk_errors import writing
from toolbox.system.files import remove_leftovers
from toolbox.system.output_paths import check_output
from toolbox.system.paths import MODEL_FILE


def export(checkpoint: str | Path, out: str | Path, trust_plugins: bool = False) -> str:
    """Write a checkpoint's networks, in half precision, with its config and scores (`toolbox.training.model_file`).

    What was given is checked before torch is imported.

    Args:
        checkpoint: a file, or a run folder: its best.pth.
        out: the model file, which does not exist yet.
        trust_plugins: import what the checkpoint's config lists as `custom_imports`.

    Returns:
        What was written, in words.

    Raises:
        FileNotFoundError, FileExistsError, ValueError, OSError: the checkpoint cannot be used, or the file not be
            written.
    """
    out = Path(out)
    if out.suffix.lower() != MODEL_FILE:
        raise ValueError(f'--out {out}: a model file is called *{MODEL_FILE}')
    check_output('--out', str(out), is_folder=False)
    if out.exists():
        raise FileExistsError(f'{out} exists already: choose another --out, or remove it')
    if not out.absolute().parent.is_dir():
        raise FileNotFoundError(f'--out {out}: there is no folder {out.parent}; make it first')
    files = find_checkpoints(Path(checkpoint))
    if len(files) > 1:
        raise ValueError(f'{checkpoint} holds {len(files)} folds: give the best.pth of one of them')

    from toolbox.config.loading import config_data
    from toolbox.training.checkpoint import save_model_file
    from toolbox.training.load_model import load_model

    model, config, content = load_model(files[0], trust_plugins=trust_plugins)
    remove_leftovers(out.absolute().parent, below=False)
    with writing(out):
        save_model_file({**content, 'config': config_data(config)}, out)
    parameters = sum(parameter.numel() for parameter in model.layout.parameters())
    return f'{out}: {parameters / 1e6:.1f} M parameters, {out.stat().st_size / 1e6:.1f} MB'
