"""Programs: train, evaluate, sample."""
