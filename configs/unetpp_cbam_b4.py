# The published recipe, 7th of 140 in DACON competition 236420: two U-Net++ with EfficientNet-B4 encoders and CBAM on
# the deepest feature. Stage 1 restores the gray image as a residual, stage 2 colors it.
_base_ = ['_base_/data.py', '_base_/schedule.py', '_base_/runtime.py']

model = dict(
    encoder=dict(type='TimmEncoder', name='efficientnet_b4', weights='imagenet'),
    attention=dict(type='CBAM', reduction=16, kernel_size=7, at='top'),
    decoder=dict(type='UnetPlusPlus', decoder_channels=(256, 128, 64, 32, 16)),
    layout=dict(type='TwoStage', residual=True),
    losses=[
        dict(type='L1', on='gray', weight=0.25),
        dict(type='MSE', on='gray', weight=0.25),
        dict(type='L1', on='rgb', weight=0.25),
        dict(type='MSE', on='rgb', weight=0.25),
        # Chosen by a small trial; docs/architecture.md has the numbers.
        dict(type='MaskedSSIM', on='rgb', weight=0.05),
    ],
    postprocess=[dict(type='KnownLuma')],
)
