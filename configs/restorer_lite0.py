# The recipe of the shipped restorer, docs/model.md: a hole filled in a window around it, colors as a distribution over
# classes of chroma with a palette beside it, both on EfficientNet-Lite0 with ImageNet's weights. It runs on two cores.
_base_ = ['_base_/data.py', '_base_/schedule.py', '_base_/runtime.py']

model = dict(
    encoder=dict(type='TimmEncoder', name='tf_efficientnet_lite0', weights='imagenet'),
    attention=dict(type='none'),
    decoder=dict(type='Unet', decoder_channels=(128, 96, 64)),
    stages=dict(
        gray=dict(
            encoder=dict(out_indices=(0, 1, 2, 3)),  # a hole needs its surroundings, not what the photograph shows
            decoder=dict(decoder_channels=(64, 48, 24, 16)),
        ),
    ),
    layout=dict(type='ChromaClasses', color_side=128, color_stride=4, hole_side=96),
    losses=[
        dict(type='L1', on='gray', region='hole', weight=1.0),
        dict(type='MaskedSSIM', on='gray', weight=1.0),
        dict(type='SoftCrossEntropy', on='classes', weight=1.0),
        dict(type='Correlation', on='palette', weight=1.0),
    ],
    postprocess=[dict(type='KnownLuma')],
)
data = dict(
    size=160,
    val_size=256,
    batch_size=32,
    crop_scale=(0.6, 1.0),
    transforms=[
        dict(type='HorizontalFlip', p=0.5),
        dict(type='RandomBrightnessContrast', brightness_limit=0.15, contrast_limit=0.2, p=0.5),
    ],
    aging=[
        dict(type='GaussianBlur', blur_limit=(3, 5), p=0.1),
        dict(type='GaussNoise', std_range=(0.01, 0.05), p=0.15),
        dict(type='ImageCompression', quality_range=(40, 95), p=0.2),
    ],
    mask=dict(type='CompetitionShapes', max_area=0.2),
    fill=dict(type='ConstantGray', low=0, high=100),
)
optimizer = dict(lr=1e-3, weight_decay=0.02)
lr_schedule = dict(warmup_steps=100, final_factor=0.01)
train_cfg = dict(max_epochs=12, ema=0.998, clip_norm=1.0, save_minutes=5)
early_stopping = dict(patience=None)
