# The second turn of the shipped restorer, docs/model.md: its hole network goes on alone, in larger windows and on
# larger crops; colors stay as `model.weights` has them. Photographs of 200 px and more on their shorter side.
_base_ = ['restorer_lite0.py']

model = dict(
    weights='shipped',
    layout=dict(train_only='gray', hole_side=144),
)
data = dict(size=192, batch_size=16, crop_scale=(0.8, 1.0))
optimizer = dict(lr=4e-4)
train_cfg = dict(max_epochs=7)
