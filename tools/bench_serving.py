"""Calls a second beside fasttext-serving, in one run, with the same load generator.

    cargo install fasttext-serving --version 0.7.0 --root fts
    apt-get install nghttp2-client; .venv/bin/pip install grpcio grpcio-tools fasttext-wheel
    .venv/bin/python tools/bench_serving.py --train FILE.jsonl.gz [--fasttext-serving fts/bin/fasttext-serving]
        [--binary target/release/wiredesk] [--rounds 5] [--seconds 5]

Each server runs as its documentation starts it. h2load sends the same article to each in turn, round by round: one
call at a time (1 x 1), and 32 (4 connections x 8). `topic` is the like of what fastText does: one head, one label. `all`
is Wiredesk's default: topic, region and stance with evidence. The fastText model (100 dimensions, pairs of words) is
trained here on the `topic` labels of --train. The ratios of the rounds count; processor time is the server's alone.
"""

import argparse
import os
import pathlib
import re
import signal
import statistics
import struct
import subprocess
import tempfile

import bench_topic
import driving

LOADS = {"1x1": (1, 1), "4x8": (4, 8)}
LENGTHS = {"short": 220, "long": 3_000}
WIREDESK = "/wiredesk.v1.ClassifierService/Classify"
FASTTEXT = "/fasttext_serving.FasttextServing/predict"


def field(number, payload):
    """A field of bytes, as protobuf writes it."""
    size, length = len(payload), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    length.append(size)
    return bytes([number << 3 | 2]) + bytes(length) + payload


def framed(message):
    return struct.pack(">BI", 0, len(message)) + message


def body(pb, kind, text):
    if kind == "fasttext-serving":
        return framed(field(1, text.replace("\n", " ").encode()))
    request = pb.ClassifyRequest(article=pb.Article(text=text))
    if kind == "topic":
        request.options.CopyFrom(pb.ClassifyOptions(heads=[pb.HEAD_TOPIC], top_k=1))
    return framed(request.SerializeToString())


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(address, path, file, connections, streams, seconds, pid):
    """(calls a second, p50, p99, processor µs of the server for a call)."""
    with tempfile.NamedTemporaryFile("r") as log:
        command = ["h2load", f"--duration={seconds}", "--warm-up-time=1", "-c", str(connections), "-m", str(streams), "-t", "1"]
        command += ["-d", file, "-H", "content-type: application/grpc", "-H", "te: trailers", f"--log-file={log.name}"]
        before = processor_seconds(pid)
        said = subprocess.run([*command, f"http://{address}{path}"], check=True, capture_output=True, text=True).stdout
        used = processor_seconds(pid) - before
        lines = [line.split("\t") for line in log]
    # Start, status, and time taken in µs of every call that was measured.
    times = [int(line[2]) for line in lines if line[1] == "200"]
    total = int(re.search(r"requests: (\d+) total", said).group(1))
    assert len(times) > 0.99 * total > 0, said
    # The warm-up's second costs too.
    calls = len(times) * (seconds + 1) / seconds
    return len(times) / seconds, driving.quantile(times, 0.5), driving.quantile(times, 0.99), used / calls * 1e6


class FastText:
    def __init__(self, binary, train, count, folder):
        model = os.path.join(folder, "model.bin")
        rows = [row for row in bench_topic.rows(train, count) if row.get("topic")]
        bench_topic.fasttext_model(rows).save_model(model)
        port = driving.free_port()
        self.address = f"127.0.0.1:{port}"
        command = [binary, "--model", model, "--grpc", "--port", str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def answers(address, path, body):
    """Waits until a call is answered; the bytes of the answer."""
    import grpc

    call = grpc.insecure_channel(address).unary_unary(path)
    return call(body[5:], wait_for_ready=True, timeout=60)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="labelled rows for the fastText model")
    parser.add_argument("--train-rows", type=int, default=40_000)
    parser.add_argument("--fasttext-serving", default="fts/bin/fasttext-serving")
    parser.add_argument("--binary", default=str(driving.ROOT / "target/release/wiredesk"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    args = parser.parse_args()
    pb, _ = driving.stubs()
    article = (driving.ROOT / "tests/data/article.txt").read_text()
    with tempfile.TemporaryDirectory(prefix="wiredesk-serving-") as folder:
        other = FastText(args.fasttext_serving, args.train, args.train_rows, folder)
        ours = driving.Server(args.binary)
        try:
            measure(args, pb, article, ours, other, folder)
        finally:
            other.end()
            ours.end()


def measure(args, pb, article, ours, other, folder):
    print("article  load  server            calls/s   ratio [rounds]         p50 us   p99 us  cpu us")
    for length, size in LENGTHS.items():
        text = article[:size]
        for load_name, (connections, streams) in LOADS.items():
            found = {}
            for turn in range(args.rounds + 1):
                for kind in ("fasttext-serving", "topic", "all"):
                    server, path = (other, FASTTEXT) if kind == "fasttext-serving" else (ours, WIREDESK)
                    file = os.path.join(folder, f"{length}-{kind}")
                    bytes_ = body(pb, kind, text)
                    pathlib.Path(file).write_bytes(bytes_)
                    if turn == 0:
                        # Before it is measured: does it answer at all?
                        assert answers(server.address, path, bytes_), kind
                        continue
                    run = load(server.address, path, file, connections, streams, args.seconds, server.process.pid)
                    found.setdefault(kind, []).append(run)
            for kind, runs in found.items():
                ratios = [run[0] / base[0] for run, base in zip(runs, found["fasttext-serving"])]
                rate, p50, p99, cpu = (statistics.median(column) for column in zip(*runs))
                spread = f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"
                print(f"{length:8} {load_name:5} {kind:17} {rate:8.0f}   {spread:20} {p50:8.0f} {p99:8.0f} {cpu:7.1f}", flush=True)


if __name__ == "__main__":
    main()
