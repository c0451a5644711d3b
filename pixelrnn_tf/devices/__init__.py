"""Devices and machines: `tf.distribute` strategies and the cluster."""
