"""The `nexus` command: one module per group of sub-commands, imported only when it is used."""
