"""What the programs of `trainers` and `export` share. What starts at once, such as a client, imports no TensorFlow."""
