"""Widgets: attributes down, messages up; they never import a source and never wait for I/O."""
