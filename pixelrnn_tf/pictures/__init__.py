"""Pictures as bytes: PNG files, grids and masks."""
