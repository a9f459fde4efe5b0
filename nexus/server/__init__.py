"""uvicorn as a guest, and the fast door: hot requests answered inside its protocol class."""
