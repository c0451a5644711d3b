"""Functions shared by the programs of `trainers` and `export`. Fast programs, such as clients, avoid TensorFlow."""
