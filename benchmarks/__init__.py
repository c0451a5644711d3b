"""Timing of training, sampling, compression, serving and start-up."""
