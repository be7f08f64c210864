# Arms at a scale for two cores without a GPU: a small encoder from random weights, crops of 128 px at the photographs'
# own scale, whole 256 px to validate on, once, at the end.
common = {
    'model.encoder.name': 'mobilenetv3_small_100',
    'model.encoder.weights': None,
    'data.size': 128,
    'data.val_size': 256,
    'data.reduce': False,
    'train_cfg.val_interval': 10**6,
    'early_stopping.patience': None,
}
