"""Export and serving: a SavedModel that scores, draws and completes images under TensorFlow Serving."""
