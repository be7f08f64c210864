# The damage of training: all arms are measured on the competition's.
_base_ = ['../_base_/ablation.py']

axes = dict(
    mask=dict(
        random_polygon={'data.mask.type': 'RandomPolygon'},
        competition_shapes={
            'data.mask.type': 'CompetitionShapes',
            'data.fill': dict(type='ConstantGray', low=0, high=100),
        },
        boxes={'data.mask.type': 'Boxes'},
        brush_strokes={'data.mask.type': 'BrushStrokes'},
    ),
)
