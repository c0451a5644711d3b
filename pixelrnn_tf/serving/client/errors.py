"""What may go wrong between a client and a server, in plain words, the same over REST and gRPC."""

import re

# The name of a function or a node that TensorFlow puts before or after a message.
NODES = re.compile(r"\[*\{\{(?:function_node|node) [^}]*\}\}\]*")
ASSERTION = re.compile(r"assertion failed: \[(.*)\]")


class ServingError(OSError):
    """The server gave no answer that can be used."""


class ServerUnavailableError(ServingError):
    """No server was reached, or it turned the request away for now. A later try may succeed."""


class ModelLoadingError(ServerUnavailableError):
    """The server has the model and is still loading it."""


class ServerTimeoutError(ServingError):
    """No answer came in time."""


class ModelNotFoundError(ServingError):
    """The server has no model of that name or version."""


class RequestRejectedError(ServingError, ValueError):
    """The input does not fit the model; the message is the server's own."""


def tidy(message: str) -> str:
    """The first sentence of a message of TensorFlow, without the names of the graph's nodes.

    >>> tidy("{{function_node f}} assertion failed: [levels must be below 17; got] [30]\\n\\t [[{{node g}}]]")
    'levels must be below 17; got 30'
    """
    first = next((line.strip() for line in NODES.sub("", message).splitlines() if line.strip()), message)
    assertion = ASSERTION.fullmatch(first)
    return " ".join(assertion[1].split("] [")) if assertion else first
