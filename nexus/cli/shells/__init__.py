"""One completion script per shell, each written by `write(root)`."""
