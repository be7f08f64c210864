# The published schedule: AdamW, cosine by step after three steps of warm-up, early stopping on the score.
optimizer = dict(type='AdamW', lr=1e-4)
lr_schedule = dict(type='cosine', warmup_steps=3, final_factor=0.0)
train_cfg = dict(max_epochs=50, val_interval=1)
early_stopping = dict(patience=7, min_delta=0.0)
