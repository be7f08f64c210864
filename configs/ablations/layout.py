# How networks are wired into stages.
_base_ = ['../_base_/ablation.py']

axes = dict(
    layout=dict(
        two_stage={'model.layout.type': 'TwoStage'},
        two_stage_detached={'model.layout.type': 'TwoStageDetached'},
        mask_aware={'model.layout.type': 'MaskAware'},
        chroma={'model.layout.type': 'Chroma'},
        one_stage={'model.layout.type': 'OneStage'},
    ),
)
