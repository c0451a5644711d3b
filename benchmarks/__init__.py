"""Programs and functions that time parts of the whole."""
