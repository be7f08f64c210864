"""Registries: what a person who types a config is told."""

import pytest

from toolbox.plugin.registry import KINDS, PluginRegistry, did_you_mean, import_failures


@pytest.fixture
def registry() -> PluginRegistry:
    registry = PluginRegistry('paints', program_values=('channels',), placement=('at',))

    @registry.register_module()
    class Watercolor:
        def __init__(self, channels: int, water: float = 0.5, *, paper: str = 'rough') -> None:
            self.arguments = channels, water, paper

    @registry.register_module(name='none')
    class NoPaint:
        """Takes nothing, not even what the program offers."""

    @registry.register_module()
    class Oil:
        def __init__(self, channels: int, oil: str) -> None:
            self.arguments = channels, oil

    return registry


def test_build(registry: PluginRegistry) -> None:
    built = registry.build(dict(type='Watercolor', water=0.9, at='top'), channels=3)
    assert built.arguments == (3, 0.9, 'rough')
    assert type(registry.build(dict(type='none'), channels=3)).__name__ == 'NoPaint'


def test_options(registry: PluginRegistry) -> None:
    assert [(option.name, option.default) for option in registry.options('Watercolor').values()] == [
        ('water', 0.5),
        ('paper', 'rough'),
    ]


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (
            dict(type='WaterColour'),
            r"model.paint.type: no plugin 'WaterColour' .*did you mean 'Watercolor'\? Known: none, Oil",
        ),
        (dict(type='watercolor'), "did you mean 'Watercolor'"),
        (dict(type='os.system'), "no plugin 'os.system' of kind 'paints'"),
        (dict(type='collections.OrderedDict'), 'no plugin'),
        (dict(type=None), 'no plugin None'),
        (
            dict(type='Watercolor', watter=1),
            r"paint.watter: Watercolor takes no option 'watter'; did you mean 'water'",
        ),
        (dict(type='Watercolor', channels=1), r'model.paint.channels: this value is set by the program; remove it'),
        (dict(type='none', paper=1), "none takes no option 'paper'. Known: at"),
        (dict(type='Oil'), "model.paint: Oil needs a value for 'oil'"),
        (
            dict(water=1),
            r"paint: expected dict\(type='...'\), got {'water': 1}. Known types: Watercolor, none, Oil",
        ),
        ('Watercolor', 'expected dict'),
        (None, 'expected dict'),
    ],
)
def test_errors_name_the_place_and_the_repair(registry: PluginRegistry, config: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        registry.check(config, 'model.paint')


def test_unknown_type_may_live_in_a_file_that_failed(registry: PluginRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(import_failures, 'plugins/paints/gouache.py', "ModuleNotFoundError: No module named 'x'")
    with pytest.raises(ValueError, match=r'could not be imported:\n  plugins/paints/gouache.py: ModuleNotFoundError'):
        registry.check(dict(type='Gouache'))


def test_did_you_mean() -> None:
    assert did_you_mean('CBMA', ['SE', 'CBAM', 'none']) == "; did you mean 'CBAM'? Known: CBAM, none, SE"
    assert did_you_mean('zzz', ['SE']) == '. Known: SE'
    assert did_you_mean('x', []) == '. Known: none at all'


def test_kinds_are_named_like_their_folders() -> None:
    assert all(registry.name == kind for kind, registry in KINDS.items())


def test_values_of_another_type_are_errors_that_name_the_key(registry: PluginRegistry) -> None:
    for water in ('wet', None, True, [1]):
        with pytest.raises(ValueError, match=r'model\.paint\.water: Watercolor takes float here, got'):
            registry.check(dict(type='Watercolor', water=water), 'model.paint')
    registry.check(dict(type='Watercolor', water=1, paper='smooth', at='anywhere'))


def test_what_a_constructor_cannot_do_is_no_defect_of_ours() -> None:
    registry = PluginRegistry('paints')

    @registry.register_module()
    class Fragile:
        def __init__(self, parts: int = 0) -> None:
            self.share = 1 / parts

    with pytest.raises(ValueError, match=r'Fragile\(parts=0\), of kind paints, cannot be built: ZeroDivisionError'):
        registry.build(dict(type='Fragile', parts=0))
