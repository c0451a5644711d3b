"""Programs: train, evaluate, sample, complete, benchmark."""

import os

# Before TensorFlow is imported, which every program does.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Memory of one step is kept for the next. Given back and fetched anew, as is the default on the CPU, it costs up to
# a third of a step, because the system clears every page.
os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
