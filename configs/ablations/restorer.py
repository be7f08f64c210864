# The published recipe and configs/restorer_lite0.py at an equal budget in minutes, on one encoder with one pretraining.
# docs/results.md says how it went.
_base_ = ['../_base_/ablation.py']

base = 'configs/restorer_lite0.py'
common = {
    'data.size': 128,
    'data.val_size': 256,
    'data.reduce': False,
    'train_cfg.val_interval': 10**6,
    'early_stopping.patience': None,
}
axes = dict(
    recipe=dict(
        published={
            'base': 'configs/unetpp_cbam_b4.py',
            'model.encoder.name': 'tf_efficientnet_lite0',
            'optimizer.lr': 1e-3,
        },
        restorer={
            'model.layout.colors': 'matched',
            'train_cfg.ema': None,  # of so few steps an average would be mostly of the first ones
            'lr_schedule.warmup_steps': 3,
        },
    ),
)
seeds = [0, 1, 2]
budget = dict(minutes=5)
photos = 6
