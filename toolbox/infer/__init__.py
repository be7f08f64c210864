"""Restoring a person's photographs with one trained model or many: the parts behind `toolbox.infer.restore_files`.

listing        which photographs, and what their outputs are called
photo_file     a file of any kind -> gray, alpha, metadata
photo          gray + hole, at the photograph's size and at the size a model works at
members        checkpoints -> the models of an ensemble, weighted; weight averaging
symmetries, tiles, ensemble    models x symmetries x tiles -> one mean
finishing      the mean -> bytes at the photograph's size, known luma kept
restorer       all of it, for photographs in memory
outputs, job   many files: batches, failures, resume, the submission's zip
"""
