"""Do it yourself: a training set from the pre-made examples, LoRA training, evaluation and export of the adapter."""
