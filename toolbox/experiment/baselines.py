"""What needs no model, measured on the photographs that an ablation's arms are measured on."""

import copy
import hashlib
from pathlib import Path

from toolbox.data.dataset import ValidationDataset
from toolbox.data.loaders import stop_workers, validation_loader
from toolbox.data.splits import split_photos, split_seed
from toolbox.experiment.plan import Plan
from toolbox.system.records import Damaged, read_record, save_record
from toolbox.training.evaluation import baseline_scores

_FILE = 'baselines.json'


def measure_baselines(plan: Plan, folder: Path) -> dict[str, float]:
    """The ranking metric of each baseline, its mean over the photographs that validate in the folds of a plan.

    Args:
        plan: its arms are measured alike, so the first one's config says how.
        folder: of the ablation; what was measured is kept there in baselines.json, and not measured again.
    """
    config = copy.deepcopy(next(iter(plan.configs.values())))
    measured_on = (plan.digest, config.data, config.metrics, split_seed(config), list(plan.folds))
    identity = hashlib.sha256('\0'.join(map(str, measured_on)).encode()).hexdigest()
    path = folder / _FILE
    try:
        kept = read_record(path, {'identity': str, 'baselines': dict[str, float]}, '', ('identity', 'baselines'))
        if kept['identity'] == identity:
            return kept['baselines']
    except (FileNotFoundError, Damaged):  # it is measured again
        pass
    sums: dict[str, float] = {}
    for fold in plan.folds:
        config.fold = fold
        dataset = ValidationDataset(split_photos(config).validation, config.data, split_seed(config))
        loader = validation_loader(dataset, config.data.batch_size, config.data.workers)
        for name, metrics in baseline_scores(config.metrics, loader).items():
            sums[name] = sums.get(name, 0.0) + metrics[plan.ranking] * len(dataset)
        stop_workers(loader)
    total = sum(len(plan.validation[fold]) for fold in plan.folds)
    baselines = {name: value / total for name, value in sums.items()}
    save_record(path, dict(identity=identity, baselines=baselines))
    return baselines
