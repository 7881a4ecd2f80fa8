"""Ten times too many calls, for tools/soak.py."""

import multiprocessing
import threading
import time
from collections import Counter

import driving

HEAVY_CALLERS = 4
TIMES = 10
SECONDS = 8
# Of the text of a call: with fewer the callers, not the server, are at their limit.
COPIES = 8


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
        text = "\n\n".join([row["text"] for row in rows[2::3]] * COPIES)
        words = Counter(word.strip(".,\"") for word in text.split() if word[:1].isupper() and len(word) > 4)
        row = {"id": "", "title": "", "text": text, "targets": [word for word, _ in words.most_common(100)]}
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
        _, unloaded = self.closed(1, SECONDS / 4)
        peak, _ = self.closed(HEAVY_CALLERS, SECONDS / 4)
        offered, goodput, p99, codes = self.open(TIMES * peak, SECONDS / 2)
        self.results.put({
            "unloaded_p99_ms": unloaded * 1e3, "peak": peak, "offered": offered, "goodput": goodput,
            "p99_ms": p99 * 1e3, "codes": codes,
        })


def flood(address):
    results = multiprocessing.Queue()
    process = multiprocessing.Process(target=lambda: Flood(address, results).run(), daemon=True)
    process.start()
    found = results.get(timeout=SECONDS * 10 + 120)
    process.join(10)
    return found
