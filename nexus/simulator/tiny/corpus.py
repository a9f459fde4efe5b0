"""What the tiny model can say, by topic. Plain text about Nexus; written for this purpose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """Words that bring a subject up, and answers to it."""

    words: tuple[str, ...]
    answers: tuple[str, ...]


TOPICS = (
    Topic(
        (),
        (
            "I am a tiny model, so my answers are short. Ask me about routing, health or tokens.",
            "That is more than a tiny model knows. Ask me what a gateway does.",
            "My whole memory is smaller than a photo. Still, every token here was computed.",
        ),
    ),
    Topic(
        ("hello", "Hello", "hey", "morning"),
        (
            "Hello! I am a tiny language model running inside a real llama.cpp server.",
            "Hello! You reached a real server through Nexus. Ask me about routing.",
        ),
    ),
    Topic(
        ("who", "Who", "name", "yourself"),
        (
            "I am a tiny llama. Nexus wrote me in a second so that its demo has one true model.",
            "My name is tiny llama. I live on this machine and I answer in short sentences.",
        ),
    ),
    Topic(
        ("gateway", "nexus", "Nexus", "proxy"),
        (
            "Nexus gives your clients one address and sends each request to the best server.",
            "A gateway stands between clients and servers. It knows who is well and who is busy.",
        ),
    ),
    Topic(
        ("routing", "route", "router", "choose", "choice"),
        (
            "Routing looks at health first, then at load, and then at how fast a server answered.",
            "A request goes to the server that has the model, has room, and is quick.",
        ),
    ),
    Topic(
        ("health", "healthy", "down", "fails", "failover"),
        (
            "A health check asks every server the same small question again and again.",
            "When a server goes down, its requests move to the next best one.",
        ),
    ),
    Topic(
        ("token", "tokens", "stream", "streaming", "slow", "fast", "latency"),
        (
            "Tokens leave the server one by one and reach you unchanged.",
            "The first token is the slow one, because the prompt must be read before it.",
        ),
    ),
    Topic(
        ("private", "privacy", "cloud", "data", "secret"),
        (
            "Private prompts stay on machines that you own. The cloud sees only open work.",
            "Your data stays at home unless you let it travel.",
        ),
    ),
    Topic(
        ("drain", "draining", "restart", "stop"),
        (
            "Draining lets a server finish its work while new requests go elsewhere.",
            "Drain a server before you restart it, and no client will notice.",
        ),
    ),
    Topic(
        ("weather", "Weather", "rain", "forecast"),
        (
            "I cannot look out of the window, but I can call a tool that can.",
            "The weather is outside, and I am inside a server. Give me a tool for it.",
        ),
    ),
    Topic(
        ("story", "poem", "long", "write", "Write"),
        (
            "Once there was a small server that wanted to answer every question. It asked its "
            "friends for help, and together they were never too busy. A gateway kept the list of "
            "their names. Every morning it asked each of them how they felt, and every night it "
            "counted the tokens they had made.",
        ),
    ),
    Topic(
        ("<|tool|>",),
        (
            "The tool has answered, and that is all I needed to know.",
            "Thank you. The tool says everything is fine.",
        ),
    ),
)

JSON_TEXT = ('{"answer": "yes"}', '{"city": "Paris"}', '{"topic": "routing"}')
"""What it writes when a grammar allows nothing but JSON; pieces are in `vocabulary.JSON_PIECES`."""

KNOWN_WORDS = tuple(
    word
    for line in (
        "a about an are as ask can count do does explain for from give how How in is it list many",
        "me model of on one please say Say sentence short tell Tell test text that the The this to",
        "two use user was what What when where Where which why Why with you your city unit number",
        "location query value id type true false null image system assistant",
    )
    for word in line.split(" ")
)
"""Words of prompts and schemas that deserve a token of their own."""
