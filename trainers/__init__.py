"""Programs that train models and work with them."""
