"""From axes to arms."""

import pytest

from toolbox.experiment.design import make_arms

AXES = dict(
    attention=dict(cbam={'model.attention.type': 'CBAM'}, se={'model.attention': {'type': 'SE', 'reduction': 8}}),
    lr=dict(low={'optimizer.lr': 1e-4}, high={'optimizer.lr': 1e-3}, higher={'optimizer.lr': 1e-2}),
)


def test_a_grid_holds_every_combination_the_baseline_first():
    arms = make_arms(AXES, 'grid', dict(lr='high'))
    assert [arm.name for arm in arms] == [
        *('cbam + high', 'cbam + low', 'cbam + higher', 'se + low', 'se + high', 'se + higher')
    ]
    assert arms[3].changes == {'model.attention.type': 'SE', 'model.attention.reduction': 8, 'optimizer.lr': 1e-4}


def test_one_at_a_time_changes_one_axis_of_the_baseline():
    arms = make_arms(AXES, 'one_at_a_time')
    assert [arm.name for arm in arms] == ['baseline', 'attention=se', 'lr=high', 'lr=higher']
    assert arms[0].levels == dict(attention='cbam', lr='low')
    assert arms[2].levels == dict(attention='cbam', lr='high')


@pytest.mark.parametrize(
    ('axes', 'baseline', 'words'),
    [
        (dict(a=dict(one={'optimizer.lr': 1})), {}, 'two or more levels'),
        (dict(a=dict(one={}, two=3)), {}, 'axes.a.two: expected config values'),
        (dict(a=dict(one={}, two={'data.val_mask.type': 'Boxes'})), {}, 'changes data.val_mask.type'),
        (dict(a=dict(one={}, two={'data': {'root': 'elsewhere'}})), {}, 'changes data.root'),
        (dict(a=dict(one={}, two={'seed': 1})), {}, 'it has to be equal for all'),
        (
            dict(a=dict(one={'base': 'x.py'}, two={}), b=dict(one={'base': 'y.py'}, two={})),
            {},
            'sets base, which another',
        ),
        (dict(a=dict(one={}, two={'clean_csv': 'a.csv'})), {}, 'change clean_drop'),
        (AXES, dict(lr='hihg'), 'high'),
        (AXES, dict(learning='high'), 'no axis'),
        (
            dict(a=dict(one={}, two={'optimizer.lr': 1}), b=dict(one={}, two={'optimizer.lr': 2})),
            {},
            'which another axis sets, too',
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(axes, baseline, words):
    with pytest.raises(ValueError, match=words):
        make_arms(axes, 'grid', baseline)
