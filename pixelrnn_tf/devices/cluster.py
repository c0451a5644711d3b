"""Workers of a cluster: their addresses, waiting for them, and detecting lost ones."""

import contextlib
import json
import os
import socket
import time

import tensorflow as tf

from pixelrnn_cli.train_config import DistributionConfig

RETRY_SECONDS = 0.5


def multi_worker_strategy(config: DistributionConfig) -> tf.distribute.Strategy:
    """Make the strategy of this worker, once all others are reachable.

    Raises:
        ValueError: if no cluster is configured.
        TimeoutError: if another worker cannot be reached in time.
        ConnectionError: if the workers cannot agree.
    """
    spec, kind, index = _cluster(config)
    addresses = [address for job in ("chief", "worker") for address in spec.get(job, [])]
    own = index + (len(spec.get("chief", [])) if kind == "worker" else 0)
    wait_for_workers(addresses, own, config.worker_timeout)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(spec),
        task_type=kind,
        task_id=index,
        num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
        rpc_layer="grpc",
    )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(resolver)
    except tf.errors.OpError as error:
        raise ConnectionError(
            f"The workers {', '.join(addresses)} could not form a cluster: {error.message.splitlines()[0]} Restart all "
            "of them with the same flags except --task_index."
        ) from error


def _cluster(config: DistributionConfig) -> tuple[dict[str, list[str]], str, int]:
    """Read the cluster from the flags or TF_CONFIG: addresses by job, and job and index of this process."""
    if config.cluster and config.task_index is not None:
        return {"worker": list(config.cluster)}, "worker", config.task_index
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        raise ValueError(
            "--strategy=multi_worker needs a cluster: pass --cluster=HOST:PORT,HOST:PORT and --task_index, or "
            "set the environment variable TF_CONFIG."
        )
    try:
        value = json.loads(text)
        spec, kind, index = value["cluster"], value["task"]["type"], int(value["task"]["index"])
        is_sound = set(spec) <= {"chief", "worker"} and 0 <= index < len(spec[kind])
    except (ValueError, KeyError, TypeError):
        is_sound = False
    if not is_sound:
        raise ValueError(
            'TF_CONFIG must look like {"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", '
            f'"index": 0}}}} with only the jobs "worker" and "chief"; got {text}.'
        )
    return spec, kind, index


# Errors that TensorFlow raises when a worker is lost. INTERNAL and UNKNOWN have many causes: they only count if the
# message mentions the connection.
_LOST_WORKER = (
    tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError,
)  # fmt: skip
_LOST_WORKER_WORDS = ("socket closed", "connection reset", "failed to connect", "collective ops is aborted", "peer")


def tells_of_lost_worker(error: tf.errors.OpError) -> bool:
    """Return True if an error in a cluster means that another worker is lost."""
    if isinstance(error, _LOST_WORKER):
        return True
    is_vague = isinstance(error, tf.errors.InternalError | tf.errors.UnknownError)
    return is_vague and any(words in error.message.lower() for words in _LOST_WORKER_WORDS)


def wait_for_workers(addresses: list[str], own: int, timeout: float) -> None:
    """Wait until every worker can be reached.

    TensorFlow's servers wait for each other in a call that no signal interrupts and that does not name the missing
    worker. Therefore each worker first listens at its own address until it has reached all others, whether they still
    wait here or their TensorFlow server already runs.

    Args:
        addresses: "host:port" of every worker.
        own: index of this process.
        timeout: seconds to wait.

    Raises:
        ValueError: if an address is not host:port.
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
                    "except --task_index, check that the port is open, or wait longer with --worker_timeout."
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
    # Listen on every interface like TensorFlow's server, but only on localhost for tests on one machine.
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
