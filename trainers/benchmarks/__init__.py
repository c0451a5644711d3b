"""What `trainers.benchmark` measures, one subject per module."""
