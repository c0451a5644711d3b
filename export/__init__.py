"""Programs that export and serve models."""
