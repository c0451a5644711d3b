"""Export and serving: a SavedModel that scores, draws and completes images under TensorFlow Serving."""

import os

# Before TensorFlow is imported, which every program does.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
