"""Traces and metrics for an OpenTelemetry collector, in the words of its GenAI conventions.

The only home of `opentelemetry`, which is an extra: nothing here is imported unless it is wanted.
Prompts and answers are never part of it.
"""
