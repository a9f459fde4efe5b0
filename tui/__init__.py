"""The dashboard. Knows the gateway only as `nexus.domain` and `nexus.errors`."""
