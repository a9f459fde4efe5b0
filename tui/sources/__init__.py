"""Where a dashboard's facts come from."""
