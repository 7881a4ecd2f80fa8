"""Soak and chaos: real servers under mixed load while things go wrong, every reply checked.

    python3 -m venv .venv && .venv/bin/pip install grpcio grpcio-tools
    .venv/bin/python tools/soak.py [--seconds 600] [--binary target/release/wiredesk] [--json FILE] [SERVE FLAG...]

Two servers. The steady one runs to the end: its model is swapped again and again, clients die on it, hang half-open,
never read, give no time, and once a minute it is asked for ten times what it can do; its memory is watched. The other
is restarted again and again, by SIGTERM and by SIGKILL, and its clients try again. All calls are single, in batches or
in streams. Each reply must be, to the last digit, what `wiredesk classify` says of the same article with the model
that the reply names. SERVE FLAGs go to the steady server.

Exit code 0: no wrong answer, no call failed for good, no server died, memory flat, overload answered at once.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import random
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from collections import Counter

import driving

HEAVY_CALLERS = 4
TIMES = 10
# The callers that are checked keep off while the flood is measured; they are refused as others are.
FLOOD_SECONDS = 8


class Worker:
    """One client process: calls until told to stop, then reports."""

    def __init__(self, kind, address, rows, answers, seed):
        self.stop = multiprocessing.Event()
        self.results = multiprocessing.Queue()
        self.process = multiprocessing.Process(target=self._run, args=(kind, address, rows, answers, seed), daemon=True)
        self.process.start()

    def _run(self, kind, address, rows, answers, seed):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        pb, services = driving.stubs()
        Client(kind, address, rows, answers, seed, pb, services).run(self.stop, self.results)

    def end(self):
        self.stop.set()
        counts, examples = self.results.get(timeout=60)
        self.process.join(10)
        return counts, examples


class Client:
    """Calls one after the other and checks what comes back."""

    def __init__(self, kind, address, rows, answers, seed, pb, services):
        import grpc

        self.grpc, self.pb = grpc, pb
        options = [("grpc.max_reconnect_backoff_ms", 500), ("grpc.initial_reconnect_backoff_ms", 50)]
        self.stub = services.ClassifierServiceStub(grpc.insecure_channel(address, options=options))
        self.call = getattr(self, kind)
        self.rows, self.answers, self.random = rows, answers, random.Random(seed)
        self.counts, self.examples = Counter(), []

    def run(self, stop, results):
        grpc, again = self.grpc, 0
        while not stop.is_set():
            try:
                self.call()
                again = 0
            except grpc.RpcError as error:
                code = error.code().name
                self.counts[code] += 1
                again += 1
                # A server that restarts or is full is tried again; anything else is a fault, and so is no end of it.
                passing = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED")
                if (code not in passing or again > 300) and not stop.is_set():
                    self.counts["failed"] += 1
                    self.examples.append(f"{code}: {error.details()}")
                time.sleep(0.1)
        results.put((self.counts, self.examples[:5]))

    def check(self, row, response):
        self.counts["answers"] += 1
        expected = self.answers.get(response.model.digest, {}).get(row["id"])
        if driving.answer(response) != expected:
            self.counts["wrong"] += 1
            self.examples.append(f"wrong: {row['id']} by {response.model.version or response.model}")

    def some(self, most):
        return [self.random.choice(self.rows) for _ in range(self.random.randint(1, most))]

    def single(self):
        row = self.random.choice(self.rows)
        self.check(row, self.stub.Classify(driving.message(self.pb, row), timeout=60))

    def batch(self):
        rows = self.some(64)
        requests = [driving.message(self.pb, row) for row in rows] + [self.pb.ClassifyRequest()]
        reply = self.stub.ClassifyBatch(self.pb.ClassifyBatchRequest(requests=requests), timeout=60)
        for row, result in zip(rows, reply.results):
            self.check(row, result.response)
        if len(reply.results) != len(requests) or reply.results[-1].error.code != 3:
            self.counts["wrong"] += 1
            self.examples.append("wrong: the bad item of a batch")

    def stream(self):
        rows = self.some(300)
        sent = (
            self.pb.ClassifyStreamRequest(request=driving.message(self.pb, row, str(n))) for n, row in enumerate(rows)
        )
        got = 0
        for reply in self.stub.ClassifyStream(sent, timeout=60):
            n, got = int(reply.request_id), got + 1
            if reply.WhichOneof("result") == "error":
                # The server goes away and says so to what it had not begun.
                self.counts["in-stream " + str(reply.error.code)] += 1
            else:
                self.check(rows[n], reply.response)
        if got != len(rows):
            self.counts["streams ended early"] += 1

    def rude(self):
        """No time given, streams left alone, calls taken back."""
        grpc, row = self.grpc, self.random.choice(self.rows)
        request = driving.message(self.pb, row)
        try:
            self.stub.Classify(request, timeout=self.random.choice([0.0001, 0.001, 0.003]))
            self.counts["just in time"] += 1
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
                raise
            self.counts["out of time"] += 1
        endless = (self.pb.ClassifyStreamRequest(request=request) for _ in range(5_000))
        unread = self.stub.ClassifyStream(endless, timeout=60)
        time.sleep(self.random.random() / 2)
        unread.cancel()
        self.stub.Classify.future(request).cancel()
        self.counts["left alone"] += 2


def break_connections(address, stop, counts):
    """Clients that die in the middle of a frame, and others that stay and say nothing."""
    host, port = address.split(":")
    silent = []
    while not stop.wait(0.2):
        try:
            peer = socket.create_connection((host, int(port)), timeout=5)
            # The preface, settings, and a frame of which most is missing.
            peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            peer.sendall(bytes([0, 64, 0, 0, 0, 0, 0, 0, 1]) + b"half of it")
        except OSError:
            continue
        if counts["dead"] % 2:
            silent.append(peer)
            counts["half-open"] += 1
            if len(silent) > 64:
                silent.pop(0).close()
        else:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        counts["dead"] += 1


class Flood:
    """Asks for ten times what the server can do, with requests that are dear to answer and cheap to send."""

    def __init__(self, address, results):
        import grpc

        self.grpc = grpc
        self.pb, _ = driving.stubs()
        raw = lambda message: message
        # Connections of their own, so that none reaches its limit of calls.
        options = [("grpc.use_local_subchannel_pool", 1)]
        channels = [grpc.insecure_channel(address, options=options) for _ in range(8)]
        self.calls = [
            channel.unary_unary("/wiredesk.v1.ClassifierService/Classify", request_serializer=raw, response_deserializer=raw)
            for channel in channels
        ]
        rows = driving.articles()
        text = "\n\n".join(row["text"] for row in rows[2::3])[:40_000]
        words = {word.strip(".,\"") for word in text.split() if word[:1].isupper() and len(word) > 4}
        row = {"id": "", "title": "", "text": text, "targets": sorted(words)[:80]}
        self.request = driving.message(self.pb, row).SerializeToString()
        self.results = results

    def one(self, n):
        begun = time.monotonic()
        try:
            self.calls[n % len(self.calls)](self.request, timeout=60)
            return "ok", time.monotonic() - begun
        except self.grpc.RpcError as error:
            return error.code().name, time.monotonic() - begun

    def closed(self, callers, seconds):
        end, times, lock = time.monotonic() + seconds, [], threading.Lock()

        def caller(n):
            while time.monotonic() < end:
                code, took = self.one(n)
                with lock:
                    times.append((code, took))

        threads = [threading.Thread(target=caller, args=(n,)) for n in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answered = [took for code, took in times if code == "ok"]
        return len(answered) / seconds, driving.quantile(answered, 0.99)

    def open(self, rate, seconds):
        times, lock, sent = [], threading.Lock(), 0
        begun = time.monotonic()

        def done(start):
            def note(future):
                code = future.code().name
                with lock:
                    times.append(("ok" if code == "OK" else code, time.monotonic() - start))

            return note

        while (passed := time.monotonic() - begun) < seconds:
            while sent < passed * rate:
                future = self.calls[sent % len(self.calls)].future(self.request, timeout=60)
                future.add_done_callback(done(time.monotonic()))
                sent += 1
            time.sleep(0.002)
        while len(times) < sent and time.monotonic() - begun < seconds + 60:
            time.sleep(0.05)
        answered = [took for code, took in times if code == "ok"]
        codes = Counter(code for code, _ in times)
        return sent / seconds, len(answered) / seconds, driving.quantile(answered, 0.99), dict(codes)

    def run(self):
        _, unloaded = self.closed(1, FLOOD_SECONDS / 4)
        peak, _ = self.closed(HEAVY_CALLERS, FLOOD_SECONDS / 4)
        offered, goodput, p99, codes = self.open(TIMES * peak, FLOOD_SECONDS / 2)
        self.results.put({
            "unloaded_p99_ms": unloaded * 1e3, "peak": peak, "offered": offered, "goodput": goodput,
            "p99_ms": p99 * 1e3, "codes": codes,
        })


def flood(address):
    results = multiprocessing.Queue()
    process = multiprocessing.Process(target=lambda: Flood(address, results).run(), daemon=True)
    process.start()
    found = results.get(timeout=FLOOD_SECONDS * 10 + 120)
    process.join(10)
    return found


def promote(binary, root, version):
    driving.run(binary, "models", "promote", "--models", root, "--force", "--reason", "soak", f"soak@{version}")


def store(binary, folder):
    """Two versions of a small model: (root, {digest: answers}, rows)."""
    rows, answers = driving.articles(), {}
    config = pathlib.Path(folder, "small.toml")
    config.write_text("[features]\nbits = 12\n")
    root, own = os.path.join(folder, "models"), pathlib.Path(folder, "own.jsonl")
    # Each topic needs two rows.
    sample = [json.loads(line) for line in (driving.ROOT / "data/sample.jsonl").read_text().splitlines()]
    twice = [{**row, "id": f"{row['id']}-{n}", "group": f"{row['id']}-{n}"} for row in sample for n in (1, 2)]
    own.write_text("".join(json.dumps(row) + "\n" for row in twice))
    data = [str(own), *(str(driving.ROOT / f"data/topic/{name}.jsonl") for name in ("labour", "society"))]
    for version, seed in (("1", "1"), ("2", "2")):
        out = os.path.join(folder, version)
        driving.run(binary, "train", "--config", str(config), "--seed", seed, "--name", "soak", "--model-version", version, "--out", out, "--data", *data)
        driving.run(binary, "models", "add", "--models", root, out)
        promote(binary, root, version)
        digest, said = driving.offline(binary, rows, "--model", out)
        answers[digest] = said
    assert len(answers) == 2, "two versions that differ"
    return root, answers, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--binary", default=str(driving.ROOT / "target/release/wiredesk"))
    parser.add_argument("--json", help="write the figures to this file, too")
    args, flags = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="wiredesk-soak-") as folder:
        figures, faults = soak(args.binary, args.seconds, flags, folder)
    print(json.dumps(figures, indent=1))
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(figures, indent=1) + "\n")
    for fault in faults:
        print(f"FAULT: {fault}")
    print("soak:", "FAILED" if faults else "ok")
    return 1 if faults else 0


def soak(binary, seconds, flags, folder):
    root, swapped, rows = store(binary, folder)
    digest, said = driving.offline(binary, rows)
    steady = driving.Server(binary, "--models", root, *flags)
    restarted = driving.Server(binary)
    workers = [Worker(kind, steady.address, rows, swapped, n) for n, kind in enumerate(("single", "batch", "stream", "rude"))]
    workers += [Worker(kind, restarted.address, rows, {digest: said}, n) for n, kind in enumerate(("single", "batch", "stream"))]
    stop, broken = threading.Event(), Counter()
    breaker = threading.Thread(target=break_connections, args=(steady.address, stop, broken))
    breaker.start()

    chaos, memory, floods, faults = Counter(), [], [], []
    begun, turn, version = time.monotonic(), 0, 2
    every = min(5.0, seconds / 6)
    next_chaos, next_flood = every, min(60.0, seconds / 3)
    while (passed := time.monotonic() - begun) < seconds:
        if not steady.alive():
            faults.append(f"the steady server died: {steady.process.poll()}")
            break
        memory.append((passed, steady.megabytes()))
        if passed >= next_flood and passed + FLOOD_SECONDS < seconds:
            floods.append(flood(steady.address))
            next_flood += 60
        elif passed >= next_chaos:
            next_chaos = passed + every
            turn += 1
            version = 3 - version
            promote(binary, root, version)
            chaos["swaps"] += 1
            how = (None, signal.SIGTERM, None, signal.SIGKILL)[turn % 4]
            if how:
                code = restarted.end(how)
                if how is signal.SIGTERM and code != 0:
                    faults.append(f"exit code {code} after SIGTERM")
                chaos[how.name] += 1
                restarted.start()
        time.sleep(0.5)

    stop.set()
    breaker.join()
    counts, per_worker = Counter(), []
    for worker in workers:
        found, examples = worker.end()
        counts.update(found)
        per_worker.append(dict(found))
        faults += examples
        if not found["answers"] and "out of time" not in found:
            faults.append(f"a client got no answer: {found}")
    for server in (steady, restarted):
        if (code := server.end()) != 0:
            faults.append(f"exit code {code} at the end")
    return judge(counts, per_worker, chaos + broken, memory, floods, faults)


def judge(counts, per_worker, chaos, memory, floods, faults):
    last = memory[-1][0] if memory else 0
    part = lambda a, b: [mb for at, mb in memory if a * last <= at <= b * last]
    middle, end = (driving.quantile(part(*span), 0.5) for span in ((0.25, 0.5), (0.75, 1)))
    if last > 120 and end > middle * 1.1 + 8:
        faults.append(f"memory grew from {middle:.0f} to {end:.0f} MB")
    for name in ("wrong", "failed"):
        if counts[name]:
            faults.append(f"{counts[name]} {name}")
    for found in floods:
        strange = set(found["codes"]) - {"ok", "RESOURCE_EXHAUSTED"}
        if strange:
            faults.append(f"under overload: {found['codes']}")
    figures = {
        "seconds": round(last), "counts": dict(counts), "clients": per_worker, "chaos": dict(chaos), "floods": floods,
        "memory_mb": {"second quarter": middle, "last quarter": end, "most": max((mb for _, mb in memory), default=0)},
    }
    return figures, faults


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    sys.exit(main())
