"""Any server that copies OpenAI's interface: the compatible dialect, and nothing assumed."""

from __future__ import annotations

from nexus.backends.openai import OpenAICompatible


class Generic(OpenAICompatible):
    """MLX-LM, SGLang, LocalAI, LiteLLM, TabbyAPI, KoboldCpp, TGI, Groq, OpenRouter, ..."""
