"""A tiny language model made by arithmetic: a real llama-architecture file of under 1 MB.

One transformer layer whose attention heads are designed instead of trained: five look back a fixed
number of tokens, one finds the topic word of the conversation. What a head finds lands in its own
part of the hidden state, and the output matrix is fitted to `corpus` on exactly those states, so
greedy decoding writes the corpus' English, chosen by what was asked. numpy and gguf are imported
only in here, and only when the file has to be written.
"""
