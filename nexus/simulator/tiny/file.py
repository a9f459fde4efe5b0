"""Writes the tiny model as a GGUF file that llama.cpp loads."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from nexus.simulator.tiny import shape
from nexus.simulator.tiny.fit import Matrix, Weights, fit
from nexus.simulator.tiny.template import CHAT_TEMPLATE
from nexus.simulator.tiny.vocabulary import BOS, END, EOS_PAD, Vocabulary, vocabulary

_TOPIC_HEAD = len(shape.LOOKBACK)


def write(path: Path) -> None:
    """Write the model to `path`; about a second."""
    words = vocabulary()
    weights = fit(words)
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, words)
    half = np.float16
    writer.add_tensor("token_embd.weight", weights.embedding.astype(half))
    writer.add_tensor("output_norm.weight", np.ones(shape.DIM, np.float32))
    writer.add_tensor("output.weight", weights.output.astype(half))
    for name, matrix in _block(weights).items():
        writer.add_tensor(f"blk.0.{name}.weight", matrix.astype(half))
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(shape.DIM, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, words: Vocabulary) -> None:
    writer.add_name("Tiny Llama of Nexus")
    writer.add_description("made by arithmetic for demos and tests; knows nothing of the world")
    writer.add_license("apache-2.0")
    writer.add_context_length(shape.CONTEXT)
    writer.add_embedding_length(shape.DIM)
    writer.add_block_count(1)
    writer.add_feed_forward_length(shape.FFN)
    writer.add_head_count(shape.HEADS)
    writer.add_head_count_kv(shape.HEADS)
    writer.add_rope_dimension_count(shape.HEAD_DIM)
    writer.add_rope_freq_base(shape.ROPE_BASE)
    writer.add_layer_norm_rms_eps(shape.EPSILON)
    writer.add_vocab_size(len(words.tokens))
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(words.tokens)
    writer.add_token_scores([-float(i) for i in range(len(words.tokens))])
    writer.add_token_types([int(getattr(gguf.TokenType, kind)) for kind in words.kinds])
    writer.add_bos_token_id(words.index[BOS])
    writer.add_eos_token_id(words.index[END])
    writer.add_eot_token_id(words.index[END])
    writer.add_unk_token_id(words.index["<unk>"])
    writer.add_pad_token_id(words.index[EOS_PAD])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _block(weights: Weights) -> dict[str, Matrix]:
    """The one layer. Its feed-forward part adds nothing."""
    query, key, value, output = (np.zeros((shape.DIM, shape.DIM), np.float32) for _ in range(4))
    pairs = np.arange(shape.HEAD_DIM // 2)
    angles = shape.ROPE_BASE ** (-2.0 * pairs / shape.HEAD_DIM)
    for head, (back, part) in enumerate(shape.LOOKBACK.items()):
        start, width = head * shape.HEAD_DIM, part.stop - part.start
        # A key that is the same everywhere and a query turned back by `back` positions: after
        # rotary embedding they agree at that distance only.
        key[start + 2 * pairs, shape.ONE] = shape.LOOK / shape.ONE_SIZE
        query[start + 2 * pairs, shape.ONE] = np.cos(back * angles) * shape.LOOK / shape.ONE_SIZE
        query[start + 2 * pairs + 1, shape.ONE] = (
            -np.sin(back * angles) * shape.LOOK / shape.ONE_SIZE
        )
        value[start : start + width, shape.CODE] = weights.looks[back]
        output[part, start : start + width] = np.eye(width) * shape.LOOK_GAIN[back]
    start = _TOPIC_HEAD * shape.HEAD_DIM
    slowest = start + shape.HEAD_DIM - 2
    key[slowest, shape.FLAG] = shape.FIND / shape.FLAG_SIZE
    query[slowest, shape.ONE] = shape.FIND / shape.ONE_SIZE
    width = shape.TOPIC.stop - shape.TOPIC.start
    value[start : start + width, shape.TOPIC] = np.eye(width)
    output[shape.FOUND_TOPIC, start : start + width] = np.eye(width) * shape.TOPIC_GAIN
    return {
        "attn_q": query,
        "attn_k": key,
        "attn_v": value,
        "attn_output": output,
        "ffn_gate": np.zeros((shape.FFN, shape.DIM), np.float32),
        "ffn_up": np.zeros((shape.FFN, shape.DIM), np.float32),
        "ffn_down": np.zeros((shape.DIM, shape.FFN), np.float32),
    }
