"""The page for a person with a photograph: `huefill web`. It asks `toolbox.infer`, and knows no networks."""
