"""Names that scripts import: `toolbox.apis.infer`."""
