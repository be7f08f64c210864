# How arms are compared, unless an ablation says otherwise.
base = 'configs/unetpp_cbam_b4.py'
design = 'grid'
seeds = [0, 1, 2]
folds = [0]
split_seed = 42
budget = dict(epochs=None)
halving = dict(epochs=[])
photos = 5
resources = dict(gpus=None)
# Without photographs of your own: a small encoder and few steps, to see the tool work in minutes.
sample = {
    'model.encoder.name': 'mobilenetv3_small_100',
    'train_cfg.max_epochs': 6,
}
