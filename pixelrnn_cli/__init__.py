"""Command line of pixelrnn_tf: options as dataclasses, their flags, and the start of programs.

Importing `pixelrnn_tf` imports Keras and TensorFlow, which takes seconds. This package imports neither, so a program
parses its flags, prints its help and rejects invalid values immediately. Every option is declared once, in a dataclass
here or in the program; `pixelrnn_tf.training` takes the same dataclasses.
"""
