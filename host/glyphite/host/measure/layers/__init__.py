"""Where int8 loses accuracy: each layer of a model against the same layer in float."""
