"""Dialects: how each kind of server is asked about itself, as pure values without sockets."""
