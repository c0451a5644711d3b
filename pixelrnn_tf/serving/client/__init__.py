"""Client for a served model."""
