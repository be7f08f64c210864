# Photographs, their damage, and how they are cut and split.
data = dict(
    root=None,  # a folder of photographs or the competition's; None: photographs that installed packages carry
    size=512,
    reduce=True,
    batch_size=8,
    workers='auto',
    repeat=1,
    folds=5,
    transforms=[dict(type='HorizontalFlip', p=0.5)],
    # The damage that the published solution trained with ...
    mask=dict(type='RandomPolygon'),
    fill=dict(type='ConstantGray', low=0, high=255),
    # ... and the damage that was measured on the competition's images, on which every recipe is compared.
    val_mask=dict(type='CompetitionShapes'),
    val_fill=dict(type='ConstantGray', low=0, high=100),
    finder=dict(type='ConstantRegion'),
    real_pairs=0.0,
    val_real_pairs=True,
)
fold = 0
clean_csv = None
