"""Errors of calls to a server, the same over REST and gRPC."""

import re

# Names of functions and nodes that TensorFlow adds to a message.
NODES = re.compile(r"\[*\{\{(?:function_node|node) [^}]*\}\}\]*")
ASSERTION = re.compile(r"assertion failed: \[(.*)\]")


class ServingError(OSError):
    """The server did not give a usable answer."""


class ServerUnavailableError(ServingError):
    """No server was reached, or it is temporarily unavailable. Retry later."""


class ModelLoadingError(ServerUnavailableError):
    """The server is still loading the model."""


class ServerTimeoutError(ServingError):
    """The answer did not arrive in time."""


class ModelNotFoundError(ServingError):
    """The server has no model with this name or version."""


class RequestRejectedError(ServingError, ValueError):
    """The input does not fit the model; the message comes from the server."""


def tidy(message: str) -> str:
    """Extract the first sentence of a TensorFlow message, without names of graph nodes.

    >>> tidy("{{function_node f}} assertion failed: [levels must be below 17; got] [30]\\n\\t [[{{node g}}]]")
    'levels must be below 17; got 30'
    """
    first = next((line.strip() for line in NODES.sub("", message).splitlines() if line.strip()), message)
    assertion = ASSERTION.fullmatch(first)
    return " ".join(assertion[1].split("] [")) if assertion else first
