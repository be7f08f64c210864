"""What differs between two configs."""

from toolbox.config.differences import ABSENT, Change, differences, shown, value_at

BEFORE = dict(
    model=dict(attention=dict(type='CBAM', reduction=16, kernel_size=7), losses=[dict(type='L1'), dict(type='MSE')]),
    data=dict(size=64, at=(1, 2)),
    seed=42,
)


def test_values_by_dotted_path():
    after = dict(
        model=dict(attention=dict(type='SE', reduction=8), losses=[dict(type='L1', weight=2), dict(type='MSE')]),
        data=dict(size=64, at=[1, 2]),
        seed=7,
    )
    assert differences(BEFORE, after) == [
        Change('model.attention.type', 'CBAM', 'SE'),
        Change('model.attention.reduction', 16, 8),  # and nothing of what CBAM alone takes
        Change('model.losses.0.weight', ABSENT, 2),
        Change('seed', 42, 7),
    ]
    assert str(differences(BEFORE, after)[0]) == 'model.attention.type=SE (not CBAM)'
    assert str(differences(BEFORE, after)[2]) == 'model.losses.0.weight=2 (not set before)'


def test_lists_of_other_lengths_differ_as_a_whole():
    (change,) = differences(dict(losses=[dict(a=1)]), dict(losses=[dict(a=1), dict(a=2)]))
    assert str(change) == 'losses=[{"a": 1}, {"a": 2}] (not [{"a": 1}])'


def test_a_value_that_is_gone():
    assert str(differences(dict(ema=0.9), {})[0]) == 'ema not set (not 0.9)'


def test_values_at_paths():
    assert value_at(BEFORE, 'model.losses.1.type') == 'MSE'
    assert value_at(BEFORE, 'model.losses.2.type') is ABSENT
    assert len(shown('x' * 200)) == 60
    assert shown('a\n\x1b[31mred') == 'a ?[31mred'
