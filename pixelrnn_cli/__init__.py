"""The command line of pixelrnn_tf: options as dataclasses, flags made of them, and how a program starts.

Importing `pixelrnn_tf` imports Keras and TensorFlow, which takes seconds. This package imports neither, so a program
reads its flags, prints its help and refuses a wrong value at once. Every option is declared once, in a dataclass here
or in the program; `pixelrnn_tf.training` takes the same dataclasses.
"""
