"""Where a run computes: the `tf.distribute` strategy that the flags and TF_CONFIG ask for."""

import dataclasses
import json
import os
from typing import Any

import tensorflow as tf

from trainers.rendezvous import wait_for_workers

STRATEGIES = ("none", "mirrored", "multi_worker", "tpu")


@dataclasses.dataclass(frozen=True)
class DistributionConfig:
    """Which devices of which machines a run uses.

    Attributes:
        strategy: "none": the first device; "mirrored": several devices of this machine; "multi_worker": one
            process on every machine of a cluster; "tpu": the cores of a TPU.
        num_devices: how many devices of this machine "mirrored" uses; 0 for all, and at least two.
        num_virtual_devices: split the CPU into so many devices, to try replicas without GPUs; 0 for not.
        cluster: "host:port" of every worker, the chief first; empty to read TF_CONFIG.
        task_index: which of `cluster` this process is.
        tpu: name or address of the TPU; empty for the one of this machine.
        worker_timeout: seconds to wait for the other workers when a run starts.
    """

    strategy: str = "none"
    num_devices: int = 0
    num_virtual_devices: int = 0
    cluster: tuple[str, ...] = ()
    task_index: int | None = None
    tpu: str = ""
    worker_timeout: float = 300.0

    def __post_init__(self):
        if self.strategy not in STRATEGIES:
            raise ValueError(f"strategy must be one of {', '.join(STRATEGIES)}, got {self.strategy!r}.")
        for name in ("num_devices", "num_virtual_devices"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}.")
        if not self.worker_timeout > 0:
            raise ValueError(f"worker_timeout must be positive, got {self.worker_timeout}.")
        for name, strategy in (
            ("num_devices", "mirrored"),
            ("num_virtual_devices", "mirrored"),
            ("cluster", "multi_worker"),
            ("tpu", "tpu"),
        ):
            if getattr(self, name) and self.strategy != strategy:
                raise ValueError(f"--{name} belongs to --strategy={strategy}, and --strategy is {self.strategy}.")
        if bool(self.cluster) != (self.task_index is not None):
            raise ValueError("--cluster and --task_index belong together: all workers, and which one this is.")
        if self.cluster and not 0 <= self.task_index < len(self.cluster):
            raise ValueError(
                f"--task_index must be from 0 to {len(self.cluster) - 1}, one of the workers of --cluster; "
                f"got {self.task_index}."
            )


def make_strategy(config: DistributionConfig) -> tf.distribute.Strategy:
    """The strategy; for one device the default strategy of TensorFlow.

    To be called before TensorFlow is used for anything else where it starts a server or splits the CPU.

    Raises:
        ValueError: if there are too few devices, or the cluster is not described.
        TimeoutError: if another worker cannot be reached in time.
    """
    if config.strategy == "none":
        return tf.distribute.get_strategy()
    if config.strategy == "mirrored":
        devices = _local_devices(config)
        # CPUs share their memory: sum on one. The collectives that are the default there also mix up those of
        # several strategies in one process.
        on_cpu = all("CPU" in device for device in devices)
        return tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice() if on_cpu else None)
    if config.strategy == "multi_worker":
        return _multi_worker(config)
    return _tpu(config)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that prints and writes files."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type is None:
        return True
    if "chief" in resolver.cluster_spec().jobs:
        return resolver.task_type == "chief"
    return resolver.task_id == 0


def describe(strategy: tf.distribute.Strategy) -> str:
    """Kind of strategy and number of replicas, in words."""
    kinds = (
        (tf.distribute.MultiWorkerMirroredStrategy, "multi_worker"),
        (tf.distribute.MirroredStrategy, "mirrored"),
        (tf.distribute.TPUStrategy, "tpu"),
    )
    name = next((name for kind, name in kinds if isinstance(strategy, kind)), "none")
    device = "TPU" if name == "tpu" else "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    replicas = strategy.num_replicas_in_sync
    return f"strategy {name}, {replicas} {device} replica{'s' if replicas > 1 else ''}"


def split_batch(strategy: tf.distribute.Strategy, batch: tf.Tensor) -> Any:
    """Give every replica its slice of a batch that all workers hold.

    Args:
        strategy: of R replicas.
        batch: `(R * n, ...)`, the same on every worker.

    Returns:
        a value for `strategy.run`: replica k has rows k * n to (k + 1) * n.
    """
    size = batch.shape[0] // strategy.num_replicas_in_sync

    def own(context: tf.distribute.experimental.ValueContext) -> tf.Tensor:
        start = context.replica_id_in_sync_group * size
        return batch[start : start + size]

    return strategy.experimental_distribute_values_from_function(own)


def barrier(strategy: tf.distribute.Strategy) -> None:
    """Wait until every worker is here."""
    if strategy.cluster_resolver is None:
        return
    ones = tf.function(lambda: strategy.reduce("SUM", strategy.run(lambda: tf.ones(())), axis=None))
    ones().numpy()


def _local_devices(config: DistributionConfig) -> list[str]:
    """The names of the devices for "mirrored": GPUs where there are any, or else (virtual) CPUs."""
    if config.num_virtual_devices:
        _split_cpu(config.num_virtual_devices)
    kind = "CPU" if config.num_virtual_devices or not tf.config.list_physical_devices("GPU") else "GPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    needed = config.num_devices or 2
    if len(devices) < needed:
        raise ValueError(
            f"--strategy=mirrored{f' with --num_devices={needed}' if config.num_devices else ''} needs {needed} "
            f"devices or more, and this machine has {len(devices)} {kind}. Use --strategy=none for one device, or "
            f"--num_virtual_devices={needed} to try replicas on the CPU."
        )
    return devices[: config.num_devices] if config.num_devices else devices


def _split_cpu(number: int) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * number)
    except RuntimeError as error:
        have = len(tf.config.list_logical_devices("CPU"))
        if have < number:
            raise ValueError(
                f"The CPU cannot be split into {number} devices any more: TensorFlow already runs with {have}. "
                "Do it in a new process."
            ) from error


def _multi_worker(config: DistributionConfig) -> tf.distribute.Strategy:
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
            f"The workers {', '.join(addresses)} could not form a cluster: {error.message.splitlines()[0]} Start all "
            "of them anew, with the same flags but for --task_index."
        ) from error


def _cluster(config: DistributionConfig) -> tuple[dict[str, list[str]], str, int]:
    """The cluster of the flags or of TF_CONFIG: addresses by job, and job and index of this process."""
    if config.cluster:
        return {"worker": list(config.cluster)}, "worker", config.task_index
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        raise ValueError(
            "--strategy=multi_worker needs the cluster: give --cluster=HOST:PORT,HOST:PORT and --task_index, or "
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
            f'"index": 0}}}} with jobs "worker" and "chief" alone; got {text}.'
        )
    return spec, kind, index


def _tpu(config: DistributionConfig) -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(tpu=config.tpu or "local")
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise ValueError(
            f"There is no TPU {config.tpu or 'on this machine'}: {str(error).splitlines()[0]} Give its name or address "
            "as --tpu, and install the TensorFlow that is made for it."
        ) from error
    return tf.distribute.TPUStrategy(resolver)
