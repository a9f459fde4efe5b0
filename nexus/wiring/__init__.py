"""How the long-lived objects are put together: one file for each part of the gateway."""
