"""What outlives the process: requests and their decisions, numbers by the minute, changes.

One SQLite file, one thread that writes, and a connection for each question. Nothing here runs on
the event loop but an append to a queue.
"""
