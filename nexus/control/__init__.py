"""Everything a front end may see or do: `nexus.control.control.Control`, and its faces."""
