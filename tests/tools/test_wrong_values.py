"""Options of every tool with values that cannot work: exit code 2, one paragraph that names the key, no traceback."""

from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

from tests.infer.support import save_random_model
from tests.support import RECIPE, TINY, scene
from toolbox.system.paths import CONFIGS

CLEANING = 'configs/cleaning/color_texture.py'
SUBMISSION = ['--submission', 'photos', '--gt', 'photos', '--masks', 'photos']
MODEL = [RECIPE, 'best.pth']


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp('wrong')
    (folder / 'photos').mkdir()
    for index in range(3):
        Image.fromarray(scene(index, 16, 16)).save(folder / 'photos' / f'{index}.png')
    save_random_model(folder / 'best.pth')
    save_random_model(folder / 'other.pth', 'model.decoder.type=UnetPlusPlus')
    (folder / 'afile').write_text('x')
    return folder


@pytest.fixture
def refused(place, monkeypatch, capsys):
    monkeypatch.chdir(place)

    def refused(tool: str, arguments: list[str], words: str) -> None:
        before = set(place.iterdir())
        try:
            code = import_module(f'tools.{tool}').main(list(arguments))
        except SystemExit as end:  # argparse's way
            code = end.code
        told = capsys.readouterr().err.strip()
        assert code == 2, (arguments, told)
        assert words in told, (arguments, told)
        assert 'Traceback' not in told
        assert '\n\n' not in told
        assert len(told) < 2500, (arguments, len(told))
        for path in set(place.iterdir()) - before:
            assert path.name in ('work_dirs', 'cleaned'), path

    return refused


TRAINING = {  # options of --cfg-options, by the words that the error must hold
    'optimizer.lr=-1': 'optimizer.lr=-1',
    'optimizer.lr="1e-3"': 'optimizer.lr',
    'optimizer.lr=abc': 'optimizer.lr',
    'optimizer.lr=None': 'optimizer.lr',
    'optimizer.weight_decay=-1': 'optimizer.weight_decay=-1',
    'optimizer.betas=3': 'optimizer.betas',
    'optimizer.betas=[2,3]': 'optimizer.betas',
    'optimizer.fused=abc': 'optimizer.fused',
    'optimizer.type=Adamw': "did you mean 'AdamW'",
    'optimizer.type=LBFGS': 'optimizer.type',
    'optimizer.type=SparseAdam': 'optimizer.type',
    'optimizer=3': 'optimizer',
    'data.size=1': 'data.size',
    'data.size=abc': 'data.size',
    'data.batch_size=0': 'data.batch_size',
    'data.folds=99': 'data.folds',
    'data.workers=many': 'data.workers',
    'data.reduce=maybe': 'data.reduce',
    'data.val_root=afile': 'afile',
    'data.transforms=[3]': 'data.transforms.0',
    "data.transforms=[dict(type='HorizontalFlip',p=7)]": 'data.transforms.0',
    'data.transforms.0.p=abc': 'data.transforms.0',
    'data.mask=3': 'data.mask',
    'data.mask.type=3': 'data.mask.type',
    'data.mask.max_corners=abc': 'data.mask.max_corners',
    'data.fill=dict(type=ConstantGray,low=300)': 'low=300',
    'model=3': 'model',
    'model.encoder=3': 'model.encoder',
    'model.encoder.in_channels=3': 'model.encoder.in_channels',
    'model.encoder=dict(type=TimmEncoder,name=nope,weights=None)': 'nope',
    'model.encoder=dict(type=TimmEncoder,name=3)': 'model.encoder.name',
    'model.attention.reduction=abc': 'model.attention.reduction',
    'model.attention.reduction=0': 'CBAM, of kind attention: reduction',
    'model.attention.at=1.5': 'model.attention.at',
    'model.attention.at=[9]': 'model.attention.at',
    'model.decoder.decoder_channels=5': 'model.decoder.decoder_channels',
    "model.decoder.decoder_channels=['a']": 'model.decoder.decoder_channels',
    'model.layout.residual=abc': 'model.layout.residual',
    'model.layout=dict(type=ChromaClasses,color_side=abc)': 'model.layout.color_side',
    'model.losses.0=dict(type=SoftCrossEntropy,rebalance=abc)': 'model.losses.0.rebalance',
    'model.stages.gray.decoder.decoder_channels=5': 'model.stages.gray.decoder.decoder_channels',
    'model.stages=3': 'model.stages',
    'data.crop_scale=[2,1]': 'data.crop_scale',
    'model.losses=[3]': 'model.losses.0',
    'model.losses.0.weight=abc': 'model.losses.0.weight',
    'model.losses.0.on=3': 'model.losses.0.on',
    'model.losses.0.ramp=-3': 'ramp=-3',
    'model.losses.x.type=L1': 'model.losses.x',
    'model.postprocess=[dict(type=Nope)]': 'model.postprocess.0',
    'lr_schedule.type=cos': 'lr_schedule.type',
    'train_cfg.ema=2': 'train_cfg.ema',
    'train_cfg.max_epochs=1.5': 'train_cfg.max_epochs',
    'metrics=[]': 'metrics',
    'seed=99999999999999999999': 'seed',
    'split_seed=-1': 'split_seed',
    'fold=9': 'fold 9',
    'precision=fp16': 'precision',
    'clean_csv=afile': 'afile: expected the columns',
    'custom_imports=[3]': 'custom_imports',
    'custom_imports=nowhere.py': 'custom_imports',
    'abc': 'KEY=VALUE',
    'optimizer.lr.x=3': 'optimizer.lr',
}


@pytest.mark.parametrize(('option', 'words'), TRAINING.items())
def test_config_options(refused, option, words):
    arguments = [RECIPE, '--data-root', 'photos']
    refused('train', [*arguments, '--cfg-options', *TINY, 'sample_images=0', option], words)


TRAIN = [RECIPE, '--data-root', 'photos']
INFER = ['best.pth', '--input', 'photos', '--out', 'out', '--device', 'cpu']
CLEAN = ['photos', '--config', CLEANING, '--out', 'cleaned']
COMMANDS = [
    ('train', ['afile'], 'expected a config, a Python file'),
    ('train', ['best.pth'], 'expected a config, a Python file'),
    ('train', [''], 'config: the value is empty'),
    ('train', [CLEANING], 'a cleaning run: python tools/clean_data.py'),
    ('train', ['configs/ablations/loss.py'], 'an ablation: python tools/ablate.py'),
    ('train', [*TRAIN, '--work-dir', 'afile'], 'afile'),
    ('train', [*TRAIN, '--work-dir', 'afile/x'], 'afile/x'),
    ('train', [*TRAIN, '--work-dir', ''], 'work-dir'),
    ('train', [*TRAIN, '--resume', '--work-dir', 'afile/x'], 'afile/x'),
    ('train', [*TRAIN, '--launcher', 'pytorch'], '--launcher pytorch'),
    ('train', [*TRAIN, '--seed', '99999999999999999999'], 'seed'),
    ('train', [*TRAIN, '--cfg-options', 'data.root=elsewhere'], '--data-root: not used beside'),
    ('test', [CLEANING], 'a cleaning run'),
    ('test', ['afile'], 'expected a config, a Python file'),
    ('test', [*MODEL, '--gt', 'photos'], '--gt: not used'),
    ('test', [*MODEL, '--masks', 'auto', '--inputs', 'photos'], '--masks, --inputs: not used'),
    ('test', [*MODEL, '--cfg-options', 'model.decoder.type=FPN'], 'of other networks'),
    ('test', [*MODEL, '--data-root', 'photos', '--json', 'afile/x'], 'afile'),
    ('test', [*MODEL, '--data-root', 'photos', '--report', 'afile'], 'afile'),
    ('test', [*MODEL, '--data-root', 'photos', '--export', 'afile'], 'afile'),
    ('test', ['nowhere.pth'], 'no checkpoint nowhere.pth'),
    ('test', [*SUBMISSION, '--data-root', 'photos'], '--data-root: not used beside --submission'),
    ('test', [*SUBMISSION, '--export', 'x'], '--export: not used beside --submission'),
    ('test', [*SUBMISSION, '--colors', 'natural'], '--colors: not used beside --submission'),
    ('test', [*SUBMISSION, '--trust-plugins'], '--trust-plugins: not used beside --submission'),
    ('train', ['--list', '--seed', '0'], '--seed: not used beside --list'),
    ('export', ['best.pth', '--out', ''], 'out: the value is empty'),
    ('export', ['best.pth', '--out', 'x.pth'], 'called *.safetensors'),
    ('export', ['best.pth', '--out', 'afile/x.safetensors'], 'afile is a file; give another place'),
    ('export', ['afile', '--out', 'x.safetensors'], 'afile'),
    ('infer', [*INFER, '--strength', '2'], '--strength'),
    ('infer', [*INFER, '--weights', '1'], '--weights is for several'),
    ('infer', [*INFER, '--weights', 'score'], '--weights is for several'),
    ('infer', [*INFER, '--average-checkpoints'], '--average-checkpoints is for several'),
    ('infer', ['other.pth', *INFER, '--average-checkpoints'], 'cannot be averaged'),
    ('infer', [*INFER, '--out', 'x.zip', '--keep-metadata'], '--keep-metadata: not used'),
    ('infer', [*INFER, '--out', ''], 'out: the value is empty'),
    ('infer', [*INFER, '--out', 'afile/x'], 'afile/x'),
    ('infer', [*INFER, '--input', '/dev/zero'], '/dev/zero'),
    ('infer', [*INFER, '--tile', '1'], 'tile 1'),
    ('infer', [*INFER, '--batch-size', '0'], '--batch-size'),
    ('infer', [*INFER, '--masks', 'afile'], 'afile'),
    ('ablate', [RECIPE], 'a training: python tools/train.py'),
    ('ablate', ['--show', 'photos', '--workers', '2'], '--workers: not used'),
    ('ablate', ['--ray', 'local', '--workers', '2'], '--workers: not used'),
    ('ablate', ['--show', 'photos'], 'holds no ablation'),
    ('ablate', ['--data-root', 'photos', '--work-dir', 'afile', '--cfg-options', *TINY], 'afile'),
    ('ablate', ['--data-root', 'photos', '--seeds', '-1'], 'seeds'),
    ('ablate', ['--data-root', 'photos', '--minutes', '0'], 'budget.minutes'),
    ('clean_data', [*CLEAN, '--config', RECIPE], 'a training: python tools/train.py'),
    ('clean_data', [*CLEAN, '--out', 'photos'], 'is the folder of the photographs'),
    ('clean_data', [*CLEAN, '--out', 'photos/../photos/'], 'is the folder of the photographs'),
    ('clean_data', [*CLEAN, '--out', 'afile/x'], 'afile/x'),
    ('clean_data', [*CLEAN, '--cfg-options', 'embedder.batch_size=0'], 'batch_size'),
    ('clean_data', [*CLEAN, '--cfg-options', 'embedder.batch_size=abc'], 'embedder.batch_size'),
    ('clean_data', [*CLEAN, '--cfg-options', 'reducer=dict(type=PCA,dimensions=abc)'], 'reducer.dimensions'),
    ('clean_data', [*CLEAN, '--cfg-options', 'detector=3'], 'detector'),
    ('clean_data', [*CLEAN, '--cfg-options', 'seed=99999999999999999999'], 'seed'),
    *(
        ('benchmark', ['infer', f'--{option}', value], f'{option.replace("-", " ")} {value}')
        for option, value in {'size': '0', 'images': '0', 'batch-size': '0', 'repeats': '0', 'megapixels': '-1'}.items()
    ),
    ('benchmark', ['clean', '--seeds', '-1'], '-1 seeds'),
    ('benchmark', ['clean', '--images', '0'], '0 images'),
    ('benchmark', ['masks', '--size', '0'], 'size 0'),
    ('benchmark', ['score', '--repeats', '0'], 'repeats 0'),
    ('benchmark', ['train', 'photos', '--steps', '0'], 'at least one step'),
    ('benchmark', ['train', 'nowhere'], 'nowhere'),
    ('benchmark', ['infer', '--config', 'nowhere'], 'nowhere'),
    ('benchmark', ['gpu', '--out', 'out', '--device', 'cpu', '--batch-size', '0'], 'batch size 0'),
    ('benchmark', ['gpu', '--out', 'out', '--device', 'cpu', '--photos', 'nowhere'], 'nowhere'),
    ('benchmark', ['loader', '--images', '0'], '0 images'),
    ('benchmark', ['loader', 'nowhere'], 'nowhere'),
    ('plugins', ['new', 'attention', 'class'], 'class'),
    ('plugins', ['check', '--file', 'photos'], 'photos'),
    ('plugins', ['show', 'attention', 'CBMA'], "did you mean 'CBAM'"),
]


@pytest.mark.parametrize(('tool', 'arguments', 'words'), COMMANDS)
def test_arguments(refused, tool, arguments, words):
    refused(tool, arguments, words)


AXES = {
    'axes = dict(a=dict(one={3: 1}, two={}))': 'axes.a.one',
    'axes = dict(a={1: {}, "1": {"optimizer.lr": 1.0}})': 'axes.a: two levels are written alike',
    'axes = dict(a={"x + y": {}, "x": {"seed": 1}}, b={"z": {}, "y + z": {}})': 'axes.a.x changes seed',
    'axes = dict(a={"x + y": {}, "x": {"optimizer.lr": 1.0}}, b={"z": {}, "y + z": {}})': 'x + y + z',
    'axes = {}': 'axes',
    'axes = 3': 'axes',
    'axes = dict(a=dict(x={}, y={"optimizer.lr": 1.0})); seeds = [99999999999999999999]': 'seeds',
    'axes = dict(a=dict(x={}, y={"optimizer.lr": 1.0})); baseline = dict(a=3)': 'baseline.a',
}


@pytest.mark.parametrize(('text', 'words'), AXES.items())
def test_axes(refused, tmp_path, text, words):
    (tmp_path / 'arms.py').write_text(f"_base_ = ['{CONFIGS}/_base_/ablation.py']\n{text}\n")
    refused('ablate', [str(tmp_path / 'arms.py'), '--data-root', 'photos', '--cfg-options', *TINY], words)


def test_levels_may_be_numbers(place, tmp_path):
    from toolbox.config.options import parse_options
    from toolbox.experiment.plan import make_plan

    axes = "axes = dict(lr={1e-3: {'optimizer.lr': 1e-3}, 1e-2: {'optimizer.lr': 1e-2}}); baseline = dict(lr=1e-2)"
    Path(tmp_path / 'rates.py').write_text(f"_base_ = ['{CONFIGS}/_base_/ablation.py']\n{axes}\n")
    plan = make_plan(str(tmp_path / 'rates.py'), str(place / 'photos'), parse_options(TINY), say=lambda _: None)
    assert [arm.name for arm in plan.arms] == ['0.01', '0.001']
