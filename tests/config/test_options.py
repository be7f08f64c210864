import pytest

from toolbox.config.options import parse_options, parse_value


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('1e-3', 0.001),
        ('-1', -1),
        ('True', True),
        ('true', True),
        ('None', None),
        ('none', 'none'),  # the attention plugin, not the value
        ('SE', 'SE'),
        ("'SE'", 'SE'),
        ('efficientnet_b4', 'efficientnet_b4'),
        ('resnet34.a1_in1k', 'resnet34.a1_in1k'),
        ('se_resnext50-32x4d', 'se_resnext50-32x4d'),
        ('/data/photos of mine', '/data/photos of mine'),
        ('[0, -1]', [0, -1]),
        ('[L1,SSIM]', ['L1', 'SSIM']),
        ('(256,128)', (256, 128)),
        ('256,128', (256, 128)),
        ('[]', []),
        ("[dict(type='L1', on=rgb, weight=0.5)]", [{'type': 'L1', 'on': 'rgb', 'weight': 0.5}]),
        ("{'type': 'L1'}", {'type': 'L1'}),
        ('__import__("os").remove("x")', '__import__("os").remove("x")'),
        ('', ''),
    ],
)
def test_values_are_literals_or_the_text_itself(text, value):
    parsed = parse_value(text)
    assert parsed == value
    assert type(parsed) is type(value)


def test_the_value_may_hold_equal_signs():
    assert parse_options(['a.b=c=d', 'x=1']) == {'a.b': 'c=d', 'x': 1}


@pytest.mark.parametrize('pair', ['optimizer.lr', '=1', 'a..b=1'])
def test_a_pair_that_is_none_says_what_is_expected(pair):
    with pytest.raises(ValueError, match='expected KEY=VALUE'):
        parse_options([pair])
