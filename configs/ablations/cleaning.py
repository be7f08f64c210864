# Does it help to leave out of training what a cleaning run would drop? Validation keeps all photographs in each arm.
#   python tools/clean_data.py DIR --out cleaned
#   python tools/ablate.py configs/ablations/cleaning.py --data-root DIR --cfg-options clean_csv=cleaned/clean.csv
_base_ = ['../_base_/ablation.py']

axes = dict(
    cleaning=dict(
        all={'clean_drop': 'nowhere'},
        cleaned={'clean_drop': 'training'},
    ),
)
