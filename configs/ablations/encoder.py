# Encoders at the same budget; the costs are in the table, too.
_base_ = ['../_base_/ablation.py']

axes = dict(
    encoder=dict(
        efficientnet_b4={'model.encoder.name': 'efficientnet_b4'},
        efficientnet_b0={'model.encoder.name': 'efficientnet_b0'},
        resnet34={'model.encoder.name': 'resnet34'},
        mobilenetv3={'model.encoder.name': 'mobilenetv3_small_100'},
    ),
)
