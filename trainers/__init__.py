"""Programs for training models and using them."""
