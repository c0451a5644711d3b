"""The flags that choose devices and machines."""

from absl import flags

from trainers.strategies import STRATEGIES, DistributionConfig


def define_distribution_flags(defaults: DistributionConfig) -> None:
    """Define --strategy and what goes with it."""
    flags.DEFINE_enum(
        "strategy",
        defaults.strategy,
        STRATEGIES,
        "Devices: none for one; mirrored for several of this machine; multi_worker for several machines; tpu.",
    )
    flags.DEFINE_integer(
        "num_devices", defaults.num_devices, "Devices of this machine that --strategy=mirrored uses; 0 for all."
    )
    flags.DEFINE_integer(
        "num_virtual_devices",
        defaults.num_virtual_devices,
        "Devices to split the CPU into, to try --strategy=mirrored without GPUs; 0 for none.",
    )
    flags.DEFINE_list(
        "cluster",
        list(defaults.cluster),
        "HOST:PORT of every worker of --strategy=multi_worker, the chief first; by default TF_CONFIG says it.",
    )
    flags.DEFINE_integer("task_index", None, "Which worker of --cluster this process is, from 0.")
    flags.DEFINE_string("tpu", defaults.tpu, "Name or address of the TPU of --strategy=tpu; by default the local one.")
    flags.DEFINE_float(
        "worker_timeout", defaults.worker_timeout, "Seconds to wait at the start for the other workers of a cluster."
    )


def distribution_config(values: flags.FlagValues) -> DistributionConfig:
    """The value of the flags."""
    return DistributionConfig(
        values.strategy,
        values.num_devices,
        values.num_virtual_devices,
        tuple(values.cluster),
        values.task_index,
        values.tpu,
        values.worker_timeout,
    )
