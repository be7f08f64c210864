# The same search of the learning rate for both recipes.
_base_ = ['../_base_/ablation.py', '../_base_/small.py']

axes = dict(
    recipe=dict(
        published={'base': 'configs/unetpp_cbam_b4.py'},
        palette={'base': 'configs/palette_b4.py', 'model.layout.color_side': 64},
    ),
    lr={f'{lr:g}': {'optimizer.lr': lr} for lr in (5e-4, 1e-3, 2e-3, 4e-3, 8e-3)},
)
seeds = [0]
budget = dict(minutes=3)
