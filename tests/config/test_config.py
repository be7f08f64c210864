"""The config layer on the shipped recipe: swaps, strictness, and a dump that reloads equal."""

from pathlib import Path

import pytest

from toolbox.config.loading import config_data, config_from_data, config_text, dump_config, load_config
from toolbox.config.schema import SCHEMA, complete
from toolbox.system.paths import CONFIGS

RECIPE = 'configs/unetpp_cbam_b4.py'


def load(**options):
    return load_config(RECIPE, {path.replace('__', '.'): value for path, value in options.items()}, say=lambda _: None)


def test_the_published_recipe_is_faithful(tmp_path):
    config = load(data__root=str(tmp_path))
    assert config.model.encoder == dict(type='TimmEncoder', name='efficientnet_b4', weights='imagenet')
    assert config.model.attention == dict(type='CBAM', reduction=16, kernel_size=7, at='top')
    assert config.model.layout == dict(type='TwoStage', residual=True)
    assert [(loss.type, loss.on, loss.weight) for loss in config.model.losses[:4]] == [
        ('L1', 'gray', 0.25),
        ('MSE', 'gray', 0.25),
        ('L1', 'rgb', 0.25),
        ('MSE', 'rgb', 0.25),
    ]
    assert config.model.losses[4].type == 'MaskedSSIM'
    assert config.model.losses[4].on == 'rgb'
    assert config.model.postprocess == [dict(type='KnownLuma')]
    assert config.optimizer == dict(type='AdamW', lr=1e-4)
    assert (config.lr_schedule.type, config.lr_schedule.warmup_steps) == ('cosine', 3)
    assert (config.data.size, config.data.batch_size, config.data.folds, config.seed) == (512, 8, 5, 42)
    assert (config.train_cfg.max_epochs, config.early_stopping.patience) == (50, 7)


def test_without_a_data_root_the_sample_scale_applies_and_options_win_over_it():
    config = load(train_cfg__max_epochs=2)
    assert config.data.size < 512
    assert config.model.encoder.weights is None
    assert config.train_cfg.max_epochs == 2


def test_the_sample_scale_fits_an_encoder_that_has_no_weights():
    assert load(model__encoder__type='TinyEncoder').model.encoder == dict(type='TinyEncoder')


def test_a_swapped_type_drops_what_it_does_not_take_and_says_so():
    said = []
    options = {'model.attention.type': 'SE', 'data.root': '/photos'}
    config = load_config(RECIPE, options, said.append)
    assert config.model.attention == dict(type='SE', reduction=16, at='top')
    assert said == ['model.attention: SE takes no kernel_size; dropped']


def test_siblings_given_as_options_are_kept_and_checked():
    options = {'model.attention.type': 'SE', 'model.attention.reduction': 4}
    assert load_config(RECIPE, options, print).model.attention.reduction == 4
    with pytest.raises(ValueError, match=r'model.attention.kernel_size: SE takes no option'):
        load_config(RECIPE, {'model.attention.type': 'SE', 'model.attention.kernel_size': 3}, print)


def test_an_entry_of_a_list_is_swapped_by_its_index():
    assert load(model__losses__4__type='SSIM').model.losses[4].type == 'SSIM'
    with pytest.raises(ValueError, match='expected an index from 0 to 4'):
        load(model__losses__9__type='SSIM')


def test_lists_can_be_emptied():
    assert load(model__postprocess=[]).model.postprocess == []
    with pytest.raises(ValueError, match=r'model.losses: the list is empty'):
        load(model__losses=[])


@pytest.mark.parametrize(
    ('path', 'value', 'message'),
    [
        ('model.attention.type', 'CBMA', "did you mean 'CBAM'"),
        ('model.atention.type', 'CBAM', "did you mean 'attention'"),
        ('optimzer.lr', 1, "did you mean 'optimizer'"),
        ('optimizer.lrr', 1, "did you mean 'lr'"),
        ('optimizer.type', 'AdmW', "did you mean 'AdamW'"),
        ('data.sise', 64, "did you mean 'size'"),
        ('data.size', 'big', 'expected int'),
        ('data.size', 0, 'out of range'),
        ('data.size', True, 'expected int'),
        ('data.workers', 'many', 'did you mean|Known: auto'),
        ('lr_schedule.type', 'cosin', "did you mean 'cosine'"),
        ('model.encoder.in_channels', 3, 'set by the program'),
        ('model.attention.reducton', 3, "did you mean 'reduction'"),
        ('model.losses.0.wieght', 3, "did you mean 'weight'"),
        ('model.decoder', 'Unet', r'expected dict\(type='),
        ('seed.x', 1, 'has no keys to set'),
    ],
)
def test_what_is_mistyped_is_an_error_with_a_suggestion(path, value, message):
    with pytest.raises(ValueError, match=message):
        load_config(RECIPE, {path: value}, lambda _: None)


def test_a_missing_key_says_how_to_get_it():
    config = load()
    config.pop('optimizer')
    with pytest.raises(ValueError, match="'optimizer' is missing; set it, or inherit it"):
        complete(config)


def test_a_config_that_does_not_exist_suggests_one_that_does():
    with pytest.raises(FileNotFoundError, match='unetpp_cbam_b4'):
        load_config('configs/unetpp_cbam_b5.py')


def test_a_resolved_config_reloads_equal(tmp_path):
    config = load(data__root='/photos/of "mine"', optimizer__lr=1e-7, model__attention__at=(0, -1))
    dump_config(config, tmp_path / 'config.py')
    again = load_config(tmp_path / 'config.py')
    assert again.to_dict() == config.to_dict()
    dump_config(again, tmp_path / 'again.py')
    assert (tmp_path / 'again.py').read_bytes() == (tmp_path / 'config.py').read_bytes()


def test_bases_have_disjoint_keys_and_together_what_the_schema_requires():
    keys = []
    for name in ('data', 'schedule', 'runtime'):
        scope: dict = {}
        exec(Path(f'configs/_base_/{name}.py').read_text(), scope)
        keys += [key for key in scope if not key.startswith('__')]
    assert len(keys) == len(set(keys))
    assert set(keys) <= set(SCHEMA)


def test_a_custom_import_is_found_beside_the_config_and_survives_the_dump(tmp_path):
    (tmp_path / 'my_attention.py').write_text(
        'from torch import nn\n'
        'from toolbox.plugin.registry import ATTENTION\n\n'
        '@ATTENTION.register_module()\n'
        'class FromBesideTheConfig(nn.Identity):\n'
        '    """Does nothing."""\n\n'
        '    def __init__(self, channels):\n'
        '        super().__init__()\n'
    )
    recipe = Path(RECIPE).resolve()
    (tmp_path / 'mine.py').write_text(
        f"_base_ = ['{recipe}']\n"
        "custom_imports = ['my_attention.py']\n"
        "model = dict(attention=dict(_delete_=True, type='FromBesideTheConfig'))\n"
    )
    config = load_config(tmp_path / 'mine.py')
    assert config.model.attention.type == 'FromBesideTheConfig'
    dump_config(config, tmp_path / 'elsewhere.py')
    assert load_config(tmp_path / 'elsewhere.py').to_dict() == config.to_dict()
    for content in (config_data(config), config_text(config)):  # as checkpoints carry it, and as older ones did
        assert config_from_data(content, 'best.pth').to_dict() == config.to_dict()


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('x = 1', "no key 'x'"),
        ('', "'model' is missing"),
        ("_base_ = ['{configs}/unetpp_cbam_b4.py']\ndata = dict(_delete_=True)", "'data.root' is missing"),
        ("_base_ = ['{configs}/unetpp_cbam_b4.py']\nnope = 3", "no key 'nope'"),
        ("_base_ = ['{configs}/unetpp_cbam_b4.py']\nmodel = dict(encoder=dict(type='Nope', _delete_=True))", "'Nope'"),
        ('1 / 0', 'this config cannot be run: ZeroDivisionError'),
        ('axes = dict(a=dict(x={{}}, y={{}}))', 'is the config of an ablation'),
        ("embedder = dict(type='CLIP')", 'is the config of a cleaning run'),
    ],
)
def test_files_that_are_no_training_config(tmp_path, text, words):
    (tmp_path / 'mine.py').write_text(text.format(configs=CONFIGS))
    with pytest.raises(ValueError, match=words):
        load_config(tmp_path / 'mine.py', say=lambda _: None)


@pytest.mark.parametrize('decoder', ['DeepLabV3Plus', 'UPerNet'])
def test_an_inherited_value_that_the_new_type_refuses_is_dropped(decoder):
    said = []
    config = load_config(RECIPE, {'model.decoder.type': decoder}, say=said.append)
    assert config.model.decoder == {'type': decoder}
    assert said == [f'model.decoder: {decoder} takes no decoder_channels=(256, 128, 64, 32, 16); dropped']
    given = {'model.decoder.type': decoder, 'model.decoder.decoder_channels': (1, 2)}
    with pytest.raises(ValueError, match=r'model\.decoder\.decoder_channels: .* takes int here, got \(1, 2\)'):
        load_config(RECIPE, given, say=said.append)


RESTORER = 'configs/restorer_lite0.py'


def test_a_stage_is_changed_from_the_command_line_where_the_config_names_none():
    config = load(model__stages__color__encoder__name='resnet18', model__stages__gray__attention__type='SE')
    assert config.model.stages == dict(color=dict(encoder=dict(name='resnet18')), gray=dict(attention=dict(type='SE')))


def test_a_swapped_type_drops_what_stages_say_for_the_old_one():
    said = []
    config = load_config(RESTORER, {'model.decoder.type': 'FPN', 'data.root': '/photos'}, said.append)
    assert config.model.stages.gray == dict(encoder=dict(out_indices=(0, 1, 2, 3)), decoder=dict())
    assert 'model.stages.gray.decoder: FPN takes no decoder_channels; dropped' in said


def test_a_stage_that_names_its_own_type_keeps_it():
    options = {'model.stages.gray.decoder.type': 'UnetFullRes', 'data.root': '/photos'}
    config = load_config(RESTORER, options, print)
    assert config.model.stages.gray.decoder == dict(type='UnetFullRes', decoder_channels=(64, 48, 24, 16))


@pytest.mark.parametrize(
    ('path', 'value', 'message'),
    [
        ('model.stages', 3, r"model\.stages: expected parts by a network's name"),
        ('model.stages.color.encodr.name', 'resnet18', r"model\.stages\.color\.encodr: .*did you mean 'encoder'"),
        ('model.stages.color.decoder.type', 'Unett', r"model\.stages\.color\.decoder\.type: .*did you mean 'Unet'"),
        ('model.stages.color.encoder', 3, r'model\.stages\.color\.encoder: expected dict'),
    ],
)
def test_mistyped_stages_are_errors(path, value, message):
    with pytest.raises(ValueError, match=message):
        load_config(RECIPE, {path: value}, print)
