"""The pages' names, in the order of their digits."""

PAGES = ("fleet", "backend", "models", "requests", "routing", "accounts", "logs")
