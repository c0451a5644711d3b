"""Training and the programs around a model: train, evaluate, sample, complete, benchmark."""
