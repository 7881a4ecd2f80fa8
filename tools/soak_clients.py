"""The clients of tools/soak.py: those that check every answer, and those that behave badly."""

import multiprocessing
import random
import signal
import socket
import struct
import time
from collections import Counter

import driving


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
