"""Programs: train, evaluate, sample, complete, benchmark."""

import os

# Before TensorFlow is imported, which every program does.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
