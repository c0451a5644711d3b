"""Programs for exporting and serving models."""
