# The scale at which a config trains on the bundled sample photographs when no data root is given:
# a few minutes on two cores, and no download.
data = dict(size=64, batch_size=4, repeat=8, folds=3)  # of eleven photographs, so that four validate
model = dict(encoder=dict(weights=None))
optimizer = dict(lr=1e-3)  # from random weights, in a few hundred steps
train_cfg = dict(max_epochs=10)
