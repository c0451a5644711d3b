"""Client of a served model."""
