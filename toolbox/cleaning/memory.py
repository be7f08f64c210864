"""How much memory a cleaning run will take, said before it starts."""

from pathlib import Path

from toolbox.system.words import counted

# Measured: the process with its libraries, and Python's objects and records per file.
_PROCESS_BYTES = 1.6e9
_BYTES_PER_FILE = 3_000
# Copies of the embeddings that are held at once: of all images, of those that are judged, of those that are fitted.
_COPIES = 3
# What UMAP and HDBSCAN take besides, per fitted image: the neighbor graph, its forests and trees.
_BYTES_PER_FITTED = 30_000


def estimate_bytes(num_files: int, dimensions: int, fit_limit: int) -> float:
    """Peak memory of a run, in bytes, on the careful side."""
    fitted = min(num_files, fit_limit)
    return _PROCESS_BYTES + num_files * (_BYTES_PER_FILE + _COPIES * 4 * dimensions) + fitted * _BYTES_PER_FITTED


def check_memory(num_files: int, dimensions: int, fit_limit: int, available: float | None) -> str:
    """The estimate in words.

    Args:
        num_files: of the data set.
        dimensions: of an embedding.
        fit_limit: how many images are fitted at most.
        available: bytes of free memory; None where the system does not tell.

    Raises:
        ValueError: that is too little.
    """
    needed = estimate_bytes(num_files, dimensions, fit_limit)
    text = f'{counted(num_files, "file")}, {dimensions} numbers each: about {needed / 1e9:.1f} GB of memory at the peak'
    if available is not None and needed > available:
        raise ValueError(
            f'{text}, but {available / 1e9:.1f} GB are free; use a larger machine, a smaller fit_limit (now '
            f'{fit_limit}), or an embedder of fewer dimensions'
        )
    return text


def available_bytes() -> float | None:
    """Free memory, with what the system would give up at once; None where it does not tell (it is Linux that does)."""
    information = Path('/proc/meminfo')
    if not information.is_file():
        return None
    lines = dict(line.split(':', 1) for line in information.read_text(encoding='ascii').splitlines())
    return 1024 * float(lines['MemAvailable'].split()[0])
