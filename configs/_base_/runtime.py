# What is measured and how a run behaves.
metrics = [dict(type='Leaderboard')]
seed = 42
precision = 'auto'
sample_images = 4
custom_imports = []
