"""A small server with the interfaces of TensorFlow Serving, for trying a model on one machine."""
