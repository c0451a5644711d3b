"""Whether TensorFlow Serving will take an export: rules read from its graphs, and its answers beside the network."""
