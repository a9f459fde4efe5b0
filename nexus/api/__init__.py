"""Door: the HTTP surface that clients and operators meet."""
