# Which attention on the deepest feature, and does it help to restore the gray image first?
_base_ = ['../_base_/ablation.py']

axes = dict(
    attention=dict(
        cbam={'model.attention.type': 'CBAM'},
        se={'model.attention.type': 'SE'},
        none={'model.attention.type': 'none'},
    ),
    layout=dict(
        two_stage={'model.layout.type': 'TwoStage'},
        one_stage={'model.layout.type': 'OneStage'},
    ),
)
