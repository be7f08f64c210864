"""`toolbox.infer.restore_files`, for scripts."""

from toolbox.infer.restore_files import Restoration, Restorer, average_checkpoints, infer

__all__ = ['Restoration', 'Restorer', 'average_checkpoints', 'infer']
