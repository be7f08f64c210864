# What training and restoring in bfloat16 cost (docs/benchmarks.md).
_base_ = ['../_base_/ablation.py']

axes = dict(precision=dict(float32={'precision': 'float32'}, bf16={'precision': 'bf16'}))
