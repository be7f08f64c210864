# The published recipe and configs/palette_b4.py at an equal budget in minutes, each with the learning rate that
# configs/ablations/learning_rate.py found best for it. docs/results.md says how it went.
_base_ = ['../_base_/ablation.py', '../_base_/small.py']

axes = dict(
    recipe=dict(
        published={'base': 'configs/unetpp_cbam_b4.py', 'optimizer.lr': 4e-3},
        palette={'base': 'configs/palette_b4.py', 'optimizer.lr': 2e-3, 'model.layout.color_side': 64},
    ),
)
seeds = [0]
budget = dict(minutes=20)
photos = 6
