"""What a server needs to serve an export, and the client that asks it. The client over REST loads no TensorFlow."""
