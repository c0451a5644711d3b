"""Where a run computes: its `tf.distribute` strategy, and how the cores of a CPU and XLA are used."""

from typing import Any

import tensorflow as tf

from pixelrnn_cli.train_config import DistributionConfig
from pixelrnn_tf.backend import cores, on_cpu
from pixelrnn_tf.devices.cluster import multi_worker_strategy
from pixelrnn_tf.typing import Structure

IMAGES_PER_PART = 4


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
        return multi_worker_strategy(config)
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


def number_of_images(batch: Structure) -> int:
    """How many images a batch holds, of a size known in advance: the images, or a dictionary with their conditions."""
    return tf.nest.flatten(batch)[0].shape[0]


def split_batch(strategy: tf.distribute.Strategy, batch: Structure) -> Any:
    """Give every replica its slice of a batch that all workers hold.

    Args:
        strategy: of R replicas.
        batch: `(R * n, ...)`, the same on every worker, or a dictionary of such tensors.

    Returns:
        a value for `strategy.run`: replica k has rows k * n to (k + 1) * n.
    """
    size = number_of_images(batch) // strategy.num_replicas_in_sync

    def own(context: tf.distribute.experimental.ValueContext) -> Structure:
        start = context.replica_id_in_sync_group * size
        return tf.nest.map_structure(lambda values: values[start : start + size], batch)

    return strategy.experimental_distribute_values_from_function(own)


def barrier(strategy: tf.distribute.Strategy) -> None:
    """Wait until every worker is here."""
    if strategy.cluster_resolver is None:
        return
    ones = tf.function(lambda: strategy.reduce("SUM", strategy.run(lambda: tf.ones(())), axis=None))
    ones().numpy()


def uses_xla(jit_compile: str, block: str) -> bool:
    """Whether XLA compiles the passes of a network.

    Args:
        jit_compile: "true", "false" or "auto": always, but for a PixelCNN on the CPU, which has no loop and whose
            convolutions oneDNN runs faster.
        block: its kind of block.
    """
    if jit_compile == "auto":
        return not (on_cpu() and block == "pixel_cnn")
    return jit_compile == "true"


def parts_for_cores(images: Structure, jit_compile: bool, accumulation: int = 1) -> list[Structure]:
    """The images of a replica in equal parts that are computed at the same time.

    One step of a recurrence is too small to be divided among cores, but parts of the batch need not wait for each
    other: a `tf.function` that calls a compiled one for each part starts them all at once.

    Args:
        images: `(batch, ...)`, of a batch size known in advance; or a dictionary of such tensors.
        jit_compile: whether XLA compiles the pass. Without it TensorFlow divides the work itself: one part.
        accumulation: in so many parts the pass computes its images one after another.
    """
    number = number_of_parts(number_of_images(images) // accumulation) if jit_compile else 1
    split = [tf.split(values, number) for values in tf.nest.flatten(images)]
    return [tf.nest.pack_sequence_as(images, part) for part in zip(*split, strict=True)]


def number_of_parts(images: int) -> int:
    """How many equal parts of a replica's images are computed at the same time where XLA compiles the pass.

    A CPU takes one part per core, or fewer where the replica shares the cores with others or a part would have less
    than four images: then the products of wide networks lose more than is won. Other devices take one.

    Args:
        images: images of the replica that are computed at once.

    Returns:
        A divisor of `images`.
    """
    if not on_cpu():
        return 1
    replicas = len(tf.distribute.get_strategy().extended.worker_devices) if tf.distribute.has_strategy() else 1
    most = min(cores() // replicas, images // IMAGES_PER_PART)
    return next((parts for parts in range(most, 1, -1) if images % parts == 0), 1)


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


def _tpu(config: DistributionConfig) -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(tpu=config.tpu or "local")
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise ValueError(
            f"There is no TPU {config.tpu or 'on this machine'}: {str(error).splitlines()[0]} Give its name or address "
            "as --tpu, and install the TensorFlow that is made for it."
        ) from error
    return tf.distribute.TPUStrategy(resolver)
