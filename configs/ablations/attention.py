# Which attention, on the deepest feature alone or on all.
_base_ = ['../_base_/ablation.py']

design = 'one_at_a_time'
axes = dict(
    attention=dict(
        cbam={'model.attention.type': 'CBAM'},
        cbam_on_all={'model.attention.type': 'CBAM', 'model.attention.at': 'all'},
        se={'model.attention.type': 'SE'},
        eca={'model.attention.type': 'ECA'},
        scse={'model.attention.type': 'scSE'},
        none={'model.attention.type': 'none'},
    ),
)
