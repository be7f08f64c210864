# What each part of configs/palette_b4.py is for: left out one at a time, or another put in its place. CBAM and the
# average of weights were in it when this was asked; the answer is why they no longer are (docs/results.md).
_base_ = ['../_base_/ablation.py', '../_base_/small.py']

base = 'configs/palette_b4.py'
common = {
    'model.attention.type': 'CBAM',
    'train_cfg.ema': 0.99,
    'model.layout.color_side': 64,
    'optimizer.lr': 2e-3,
}

_gray = [dict(type='L1', on='gray', region='hole', weight=0.5)]
_ssim = [dict(type='MaskedSSIM', on='gray', weight=0.5)]
_color = [
    dict(type='L1', on='chroma', weight=2.0),
    dict(type='L1', on='colorfulness', weight=0.5),
    dict(type='Correlation', on='palette', weight=1.0),
]

axes = dict(
    change=dict(
        nothing={},
        no_matching={'model.layout.match': False},
        no_smoothing={'model.layout.smooth': 0},
        full_strength={'model.layout.strength': 1.0},
        colors_at_full_size={'model.layout.color_side': 256},
        published_damage={
            'data.mask': dict(type='RandomPolygon'),
            'data.fill': dict(type='ConstantGray', low=0, high=255),
        },
        no_masked_ssim={'model.losses': [*_gray, *_color]},
        no_ema={'train_cfg.ema': None},
        unet_plus_plus={'model.decoder.type': 'UnetPlusPlus'},
        no_attention={'model.attention': dict(type='none')},
        with_hue_histogram={'model.losses': [*_gray, *_ssim, *_color, dict(type='HueHistogram', on='rgb', weight=0.2)]},
    ),
)
seeds = [0]
budget = dict(steps=200)
