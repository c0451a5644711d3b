"""Pictures as bytes: PNG files, grids, masks."""
