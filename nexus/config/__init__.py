"""Settings: where they come from, what they may be, and how to say that one is wrong.

Start at `nexus.config.load`. Importing this package alone is free; pydantic comes with
`load`.
"""
