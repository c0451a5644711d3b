"""Waiting for the other workers of a cluster, for a stated time."""

import contextlib
import socket
import time

RETRY_SECONDS = 0.5


def wait_for_workers(addresses: list[str], own: int, timeout: float) -> None:
    """Return when every worker can be reached.

    TensorFlow's own servers wait for each other inside one call that no signal ends and that names nobody. So
    each worker first listens at its address itself, until it has reached every other one, whether that one
    still waits here or its TensorFlow server already runs.

    Args:
        addresses: "host:port" of every worker.
        own: which of them this process is.
        timeout: seconds to wait.

    Raises:
        ValueError: if an address is no host:port.
        OSError: if this process cannot listen at its own address.
        TimeoutError: if a worker was not reached in time; the message names it.
    """
    parsed = [_parse(address) for address in addresses]
    missing = [k for k in range(len(addresses)) if k != own]
    deadline = time.monotonic() + timeout
    with _listener(addresses[own], parsed[own][1]):
        while True:
            missing = [k for k in missing if not _reachable(parsed[k])]
            if not missing:
                return
            if time.monotonic() > deadline:
                names = ", ".join(f"worker {k} at {addresses[k]}" for k in missing)
                raise TimeoutError(
                    f"Could not reach {names} within {timeout:g} seconds. Start the program there with the same flags "
                    "but for --task_index, check that the port is open, or wait longer with --worker_timeout."
                )
            time.sleep(RETRY_SECONDS)


def _parse(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"A worker's address must be HOST:PORT, got {address!r}.")
    return host.strip("[]"), int(port)


@contextlib.contextmanager
def _listener(address: str, port: int):
    host = _parse(address)[0]
    # As TensorFlow's server does, listen on every interface; but for a test on one machine on that alone.
    bound = host if host in ("localhost", "127.0.0.1") else ""
    try:
        server = socket.create_server((bound, port), backlog=128)
    except OSError as error:
        raise OSError(
            f"Cannot listen at {address}, the address of this worker: {error.strerror}. Another process may use the "
            "port; choose another one in --cluster or TF_CONFIG."
        ) from error
    with server:
        yield


def _reachable(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=5):
            return True
    except OSError:
        return False
