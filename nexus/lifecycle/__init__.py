"""What models' lives depend on: into memory, and out of it again."""
