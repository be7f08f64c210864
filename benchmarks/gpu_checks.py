"""Is it right on this device: tests that need CUDA, and results held against the same computed otherwise."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.score import example, transcription
from toolbox.config.loading import load_config
from toolbox.nn.device import training_precision, without_tf32
from toolbox.nn.network import Network
from toolbox.plugin.types import Batch
from toolbox.scoring.score import WEIGHTS, score_images
from toolbox.system.files import parse_json
from toolbox.system.paths import REPOSITORY
from toolbox.training.model import RestorationModel

RECIPES = ('unetpp_cbam_b4', 'palette_b4', 'restorer_lite0')
# Of float32 against float64, relative: kernels differ by far less, a wrong one by far more.
OUTPUT_LIMIT, GRADIENT_LIMIT = 1e-3, 1e-2
SCORE_LIMIT = 1e-9
# Of a logged loss, relative: sums of gradients are added in another order, and steps build on each other.
PROCESSES_LIMIT = 1e-2
_STEPS = 10  # as many as scalars.jsonl has in a line
_SMALLEST_SCALE = 1e-6


def check_all(size: int, options: Mapping[str, object], device: str, folder: Path) -> dict[str, Any]:
    """All checks.

    Args:
        size: side of what networks are compared on, px.
        options: by dotted path, in place of the recipes' values.
        device: 'cpu' or 'cuda'.
        folder: for files on the way.

    Returns:
        `tests`, `scorer`, `networks` and `processes`, see the functions; `ok` of all.
    """
    networks = [row for recipe in RECIPES for row in check_networks(recipe, size, options, device)]
    result = dict(
        tests=run_cuda_tests(folder) if device == 'cuda' else dict(skipped='torch finds no CUDA here'),
        scorer=check_scorer(device),
        networks=networks,
        processes=check_processes(folder, torch.cuda.device_count() if device == 'cuda' else 0),
    )
    judged = [result['tests'], *result['scorer'], *networks, result['processes']]
    return dict(**result, ok=all(one.get('ok', True) for one in judged))


def check_scorer(device: str) -> list[dict[str, Any]]:
    """The score on a device against its transcription with skimage and OpenCV, a row per size of photograph."""
    rows = []
    for size in (64, 257, 512):
        truth, prediction, hole = example(size)
        tensors = [
            torch.from_numpy(image).permute(2, 0, 1)[None].contiguous().to(device)
            for image in (prediction, truth, hole[..., None])
        ]
        ours, theirs = score_images(*tensors)[0], transcription(truth, prediction, hole)
        difference = max(abs(ours[part] - theirs[part]) for part in WEIGHTS)
        rows.append(dict(size=size, difference=difference, ok=bool(difference <= SCORE_LIMIT)))
    return rows


def check_networks(recipe: str, size: int, options: Mapping[str, object], device: str) -> list[dict[str, Any]]:
    """A recipe's networks, with random weights, in float32 on a device against float64 on the CPU.

    Returns:
        Rows of `recipe`, `network`, `output` (largest difference, as a share of the largest value), `gradient` (norm
        of the difference of all weights' gradients, as a share of their norm), `bf16` (as `output`, under autocast;
        None where the device does not train in it), and `ok`.
    """
    config = load_config(f'configs/{recipe}.py', {'model.encoder.weights': None, **options}, say=lambda _: None)
    torch.manual_seed(0)
    model = RestorationModel(config.model, to_train=False).eval()
    networks = {name: part for name, part in model.layout.named_children() if isinstance(part, Network)}
    for network in networks.values():
        _fill_zeros(network)
    seen: dict[str, Tensor] = {}
    hooks = [
        network.register_forward_pre_hook(lambda _, inputs, name=name: seen.setdefault(name, inputs[0]))
        for name, network in networks.items()
    ]
    with torch.no_grad():
        batch = Batch.blank(size, size)
        model.restore(torch.rand(1, 1, size, size), batch.mask)
    for hook in hooks:
        hook.remove()
    return [dict(recipe=recipe, network=name, **_compared(networks[name], seen[name], device)) for name in networks]


def _fill_zeros(network: nn.Module) -> None:
    """A head that starts from zero would agree with anything."""
    for weight in network.parameters():
        if not weight.any():
            nn.init.normal_(weight, std=0.02)


def _compared(network: nn.Module, x: Tensor, device: str) -> dict[str, Any]:
    with without_tf32():
        wanted, wanted_gradient = _answer(network.double(), x.double())
        given, gradient = _answer(network.float().to(device), x.to(device))
    output = _largest_difference(given, wanted)
    of_gradient = float((gradient - wanted_gradient).norm() / wanted_gradient.norm().clamp(min=_SMALLEST_SCALE))
    bf16 = None
    if training_precision('auto', torch.device(device)) == 'bf16':
        with torch.autocast(device, dtype=torch.bfloat16), torch.no_grad():
            bf16 = _largest_difference(_joined(network(x.to(device))), wanted)
    return dict(
        output=output, gradient=of_gradient, bf16=bf16, ok=output <= OUTPUT_LIMIT and of_gradient <= GRADIENT_LIMIT
    )


def _answer(network: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """What a network says, and the gradient of its mean square by all weights: float64 (values,) each, on the CPU."""
    network.zero_grad(set_to_none=True)
    output = _joined(network(x))
    output.square().mean().backward()
    gradients = [weight.grad.flatten().cpu().double() for weight in network.parameters() if weight.grad is not None]
    return output.detach().cpu().double(), torch.cat(gradients)


def _joined(answer: Tensor | Mapping[str, Tensor]) -> Tensor:
    parts = [answer] if isinstance(answer, Tensor) else answer.values()
    return torch.cat([part.flatten() for part in parts])


def _largest_difference(given: Tensor, wanted: Tensor) -> float:
    difference = (given.detach().cpu().double() - wanted).abs().max()
    return float(difference / wanted.abs().max().clamp(min=_SMALLEST_SCALE))


def run_cuda_tests(folder: Path) -> dict[str, Any]:
    """Run the tests that are marked `cuda`, with pytest.

    Returns:
        `passed`, `skipped` and `failed`, numbers; `failures`, their names; `ok`.

    Raises:
        RuntimeError: pytest could not run.
    """
    tests = REPOSITORY / 'tests'
    files = [str(path) for path in sorted(tests.rglob('test_*.py')) if 'mark.cuda' in path.read_text(encoding='utf-8')]
    report = folder / 'cuda_tests.xml'
    command = [sys.executable, '-m', 'pytest', '-m', 'cuda', '-p', 'no:cacheprovider', '--junitxml', str(report)]
    done = subprocess.run([*command, *files], cwd=REPOSITORY, capture_output=True, encoding='utf-8', errors='replace')
    if done.returncode not in (0, 1):
        raise RuntimeError(
            f'{" ".join(command)} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}'
        )
    return read_report(report.read_text(encoding='utf-8'))


def read_report(report: str) -> dict[str, Any]:
    """What a JUnit report of pytest's says, see `run_cuda_tests`; without a test that passed, it is not `ok`."""
    cases = list(ElementTree.fromstring(report).iter('testcase'))
    failures = [
        f'{case.get("classname")}.{case.get("name")}'
        for case in cases
        if case.find('failure') is not None or case.find('error') is not None
    ]
    skipped = sum(case.find('skipped') is not None for case in cases)
    passed = len(cases) - skipped - len(failures)
    return dict(passed=passed, skipped=skipped, failed=len(failures), failures=failures, ok=not failures and passed > 0)


def check_processes(folder: Path, num_gpus: int) -> dict[str, Any]:
    """The losses of a short training in one process against those in two, on two GPUs.

    Returns:
        `one` and `two`, the mean loss of the first steps, `difference`, relative, and `ok`; or `skipped`, why not.
    """
    if num_gpus < 2:
        return dict(skipped=f'needs two GPUs, found {num_gpus}')
    one, two = (_trained_loss(folder / f'{count}_processes', count) for count in (1, 2))
    difference = abs(one - two) / abs(one)
    return dict(one=one, two=two, difference=difference, ok=difference <= PROCESSES_LIMIT)


def _trained_loss(folder: Path, processes: int) -> float:
    """The mean loss of some steps in so many processes, from the run's scalars.jsonl.

    Raises:
        RuntimeError: the training failed.
    """
    options = {
        'model.encoder.type': 'TinyEncoder',
        'data.size': 64,
        'data.batch_size': 4,
        'data.repeat': 8,
        'data.workers': 0,
        'train_cfg.max_steps': _STEPS,
        'precision': 'float32',
        'tf32': False,
    }
    run = folder / f'{os.getpid()}'  # a run folder takes one run
    tool = [str(REPOSITORY / 'tools' / 'train.py'), str(REPOSITORY / 'configs' / 'unetpp_cbam_b4.py')]
    given = [
        '--work-dir',
        str(run),
        '--launcher',
        'pytorch',
        '--cfg-options',
        *(f'{k}={v}' for k, v in options.items()),
    ]
    start = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', str(processes)]
    done = subprocess.run([*start, *tool, *given], capture_output=True, encoding='utf-8', errors='replace')
    scalars = run / 'scalars.jsonl'
    if done.returncode or not scalars.is_file():
        raise RuntimeError(f'training in {processes} processes ended with {done.returncode}: {done.stderr[-2000:]}')
    lines = [parse_json(line) or {} for line in scalars.read_text(encoding='utf-8').splitlines()]
    return next(float(line['loss']) for line in lines if line.get('step') == _STEPS and 'loss' in line)
