"""Checks that TensorFlow Serving can serve an export: rules on its graphs, and comparison with the network."""
