"""Programs: train, evaluate, sample, complete, benchmark."""

import os

# Before TensorFlow is imported, which every program does.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Memory of one step is kept for the next. Given back and fetched anew, as is the default on the CPU, it costs up to
# a third of a step, because the system clears every page.
os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
# Of the two orders in which XLA can put the operations of a step on the CPU, the one that saves memory: recurrences
# take up to a third less, and of time up to a tenth less, since a core finds more in its cache. A user's flag wins.
os.environ["XLA_FLAGS"] = " ".join(
    ["--xla_cpu_enable_concurrency_optimized_scheduler=false", *os.environ.get("XLA_FLAGS", "").split()]
)
