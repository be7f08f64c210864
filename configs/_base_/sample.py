# The scale at which a config trains on the bundled sample photographs when no data root is given:
# a few minutes on two cores, and no download.
data = dict(size=96, batch_size=4, repeat=4)
model = dict(encoder=dict(weights=None))
train_cfg = dict(max_epochs=6)
