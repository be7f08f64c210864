# What each term of the loss is for: with all of them, and with one left out or added.
_base_ = ['../_base_/ablation.py']

_gray = [dict(type='L1', on='gray', weight=0.25), dict(type='MSE', on='gray', weight=0.25)]
_rgb = [dict(type='L1', on='rgb', weight=0.25), dict(type='MSE', on='rgb', weight=0.25)]
_ssim = [dict(type='MaskedSSIM', on='rgb', weight=0.05)]

axes = dict(
    loss=dict(
        published={'model.losses': [*_gray, *_rgb, *_ssim]},
        no_masked_ssim={'model.losses': [*_gray, *_rgb]},
        no_gray={'model.losses': [*_rgb, *_ssim]},
        with_hue_histogram={'model.losses': [*_gray, *_rgb, *_ssim, dict(type='HueHistogram', on='rgb', weight=0.1)]},
    ),
)
