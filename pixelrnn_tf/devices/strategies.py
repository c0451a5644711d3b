"""`tf.distribute` strategies, and the use of CPU cores and XLA."""

from typing import Any

import tensorflow as tf

from pixelrnn_cli.train_config import DistributionConfig
from pixelrnn_tf.backend import cores, on_cpu
from pixelrnn_tf.devices.cluster import multi_worker_strategy
from pixelrnn_tf.typing import Structure

IMAGES_PER_PART = 4


def make_strategy(config: DistributionConfig) -> tf.distribute.Strategy:
    """Make the strategy of a run; TensorFlow's default strategy for one device.

    Call it before other uses of TensorFlow if it starts a server or splits the CPU.

    Raises:
        ValueError: if there are too few devices, or no cluster is configured.
        TimeoutError: if another worker cannot be reached in time.
    """
    if config.strategy == "none":
        return tf.distribute.get_strategy()
    if config.strategy == "mirrored":
        devices = _local_devices(config)
        # CPUs share their memory, so reduce on one of them. The default collectives would also mix up several
        # strategies in one process.
        on_cpu = all("CPU" in device for device in devices)
        return tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice() if on_cpu else None)
    if config.strategy == "multi_worker":
        return multi_worker_strategy(config)
    return _tpu(config)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Return True for the process that prints and writes files."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type is None:
        return True
    if "chief" in resolver.cluster_spec().jobs:
        return resolver.task_type == "chief"
    return resolver.task_id == 0


def describe(strategy: tf.distribute.Strategy) -> str:
    """Describe the kind of strategy and its number of replicas."""
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
    """Number of images in a batch with static size: a tensor, or a dictionary with conditions."""
    return tf.nest.flatten(batch)[0].shape[0]


def split_batch(strategy: tf.distribute.Strategy, batch: Structure) -> Any:
    """Give every replica its slice of a batch that all workers hold.

    Args:
        strategy: strategy with R replicas.
        batch: tensor `(R * n, ...)`, the same on every worker, or a dictionary of such tensors.

    Returns:
        a value for `strategy.run`: replica k has rows k * n to (k + 1) * n.
    """
    size = number_of_images(batch) // strategy.num_replicas_in_sync

    def own(context: tf.distribute.experimental.ValueContext) -> Structure:
        start = context.replica_id_in_sync_group * size
        return tf.nest.map_structure(lambda values: values[start : start + size], batch)

    return strategy.experimental_distribute_values_from_function(own)


def barrier(strategy: tf.distribute.Strategy) -> None:
    """Wait until every worker has reached this call."""
    if strategy.cluster_resolver is None:
        return
    ones = tf.function(lambda: strategy.reduce("SUM", strategy.run(lambda: tf.ones(())), axis=None))
    ones().numpy()


def uses_xla(jit_compile: str, block: str) -> bool:
    """Return True if XLA compiles the passes of a network.

    Args:
        jit_compile: "true", "false" or "auto": True except for a PixelCNN on the CPU, which has no loop and whose
            convolutions are faster in oneDNN.
        block: kind of block of the network.
    """
    if jit_compile == "auto":
        return not (on_cpu() and block == "pixel_cnn")
    return jit_compile == "true"


def parts_for_cores(images: Structure, jit_compile: bool, accumulation: int = 1) -> list[Structure]:
    """Divide the images of a replica into equal parts that are computed in parallel.

    One step of a recurrence is too small to divide among cores, but parts of the batch are independent: a `tf.function`
    that calls a compiled one for each part starts them all at once.

    Args:
        images: tensor `(batch, ...)` with static batch size, or a dictionary of such tensors.
        jit_compile: True if XLA compiles the pass. Otherwise TensorFlow parallelizes it: one part.
        accumulation: number of parts that the pass computes one after another.
    """
    number = number_of_parts(number_of_images(images) // accumulation) if jit_compile else 1
    split = [tf.split(values, number) for values in tf.nest.flatten(images)]
    return [tf.nest.pack_sequence_as(images, part) for part in zip(*split, strict=True)]


def number_of_parts(images: int) -> int:
    """Number of equal parts of a replica's images to compute in parallel if XLA compiles the pass.

    A CPU uses one part per core, or fewer if replicas share the cores or a part would have less than four images: then
    wide networks lose more time in their products than they gain. Other devices use one part.

    Args:
        images: number of images that the replica computes at once.

    Returns:
        A divisor of `images`.
    """
    if not on_cpu():
        return 1
    replicas = len(tf.distribute.get_strategy().extended.worker_devices) if tf.distribute.has_strategy() else 1
    most = min(cores() // replicas, images // IMAGES_PER_PART)
    return next((parts for parts in range(most, 1, -1) if images % parts == 0), 1)


def _local_devices(config: DistributionConfig) -> list[str]:
    """Names of the devices for "mirrored": GPUs if there are any, otherwise (virtual) CPUs."""
    if config.num_virtual_devices:
        _split_cpu(config.num_virtual_devices)
    kind = "CPU" if config.num_virtual_devices or not tf.config.list_physical_devices("GPU") else "GPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    needed = config.num_devices or 2
    if len(devices) < needed:
        raise ValueError(
            f"--strategy=mirrored{f' with --num_devices={needed}' if config.num_devices else ''} needs at least "
            f"{needed} devices, but this machine has {len(devices)} {kind}. Use --strategy=none for one device, or "
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
                f"The CPU can no longer be split into {number} devices: TensorFlow already runs with {have}. Use a new "
                "process."
            ) from error


def _tpu(config: DistributionConfig) -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(tpu=config.tpu or "local")
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise ValueError(
            f"There is no TPU {config.tpu or 'on this machine'}: {str(error).splitlines()[0]} Pass its name or address "
            "as --tpu, and install TensorFlow for TPUs."
        ) from error
    return tf.distribute.TPUStrategy(resolver)
