"""What the scripts that drive real servers share: stubs, servers as processes, articles and their offline answers.

Needs grpcio and grpcio-tools (tests/run installs both into .venv).
"""

import importlib
import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def stubs():
    """The messages and the services of the classifier, compiled from our proto."""
    folder = tempfile.mkdtemp(prefix="wiredesk-stubs-")
    files = ["wiredesk/v1/classifier.proto", "wiredesk/v1/model.proto", "google/rpc/status.proto"]
    out = [f"-I{ROOT / 'proto'}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *out, *files], check=True)
    sys.path.insert(0, folder)
    return importlib.import_module("wiredesk.v1.classifier_pb2"), importlib.import_module("wiredesk.v1.classifier_pb2_grpc")


def environment():
    """Without the settings of whoever runs this."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WIREDESK_")}


def run(binary, *command, given=None):
    """What a command of wiredesk prints."""
    done = subprocess.run([binary, *command], input=given, capture_output=True, text=True, env=environment())
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server:
    """`wiredesk serve` on a port of its own, which it keeps over restarts."""

    def __init__(self, binary, *flags):
        self.binary, self.flags, self.port = binary, flags, free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.start()

    def start(self):
        command = [self.binary, "serve", "--listen", self.address, *self.flags]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment())
        self.log = queue.Queue()
        threading.Thread(target=self._read, args=(self.process.stderr, self.log), daemon=True).start()
        self.wait("serving name=")

    @staticmethod
    def _read(lines, log):
        for line in lines:
            log.put(line)
        log.put(None)

    def wait(self, what, seconds=60):
        end, seen = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0:
            try:
                line = self.log.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                break
            seen.append(line)
            if what in line:
                return line
        raise RuntimeError(f"the server did not say {what!r}: {''.join(seen)}")

    def end(self, how=signal.SIGTERM, seconds=60):
        self.process.send_signal(how)
        return self.process.wait(seconds)

    def alive(self):
        return self.process.poll() is None

    def megabytes(self):
        """Resident memory."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0


def articles():
    """Rows written for this project: whole, cut short, and joined, some with targets."""
    with open(ROOT / "data/sample.jsonl", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    made = []
    for n, row in enumerate(rows):
        targets = [stance["target"] for stance in row.get("stances") or []]
        made.append({"id": f"whole-{n}", "title": row["title"], "text": row["text"], "targets": targets})
        made.append({"id": f"short-{n}", "title": "", "text": row["text"][: 40 + 7 * n], "targets": []})
        two = row["text"] + "\n\n" + rows[n - 1]["text"]
        made.append({"id": f"two-{n}", "title": row["title"], "text": two, "targets": targets})
    return made


def message(pb, row, request_id=""):
    """The row as a ClassifyRequest."""
    article = pb.Article(id=row["id"], title=row["title"], text=row["text"])
    targets = [pb.Target(name=name) for name in row["targets"]]
    return pb.ClassifyRequest(article=article, targets=targets, request_id=request_id)


def answer(response):
    """What must be equal in every reply to a row: labels, places and stances with every digit."""
    topic, region = response.topic, response.region
    stance = type(response).DESCRIPTOR.fields_by_name["stances"].message_type.fields_by_name["label"].enum_type
    word = {value.number: value.name.removeprefix("STANCE_LABEL_").lower() for value in stance.values}
    return (
        tuple((label.id, label.probability) for label in topic.labels),
        region.primary_desk,
        tuple((country.code, country.probability) for country in region.countries),
        tuple((stance.target, word[stance.label], stance.probability) for stance in response.stances),
    )


def offline(binary, rows, *flags):
    """What `wiredesk classify` says of the rows: (digest of the model, {id: answer})."""
    text = "".join(json.dumps(row) + "\n" for row in rows)
    said = run(binary, "classify", "--input-format", "jsonl", "--output-format", "jsonl", *flags, "-", given=text)
    answers, digest = {}, ""
    for line in said.splitlines():
        reply = json.loads(line)
        topic, region = reply.get("topic") or {}, reply.get("region") or {}
        answers[reply["id"]] = (
            tuple((label["id"], label["probability"]) for label in topic.get("labels", [])),
            region.get("primaryDesk") or "",
            tuple((country["code"], country["probability"]) for country in region.get("countries", [])),
            tuple((stance["target"], stance["label"], stance["probability"]) for stance in reply.get("stances", [])),
        )
        digest = reply["model"]["digest"]
    return digest, answers


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("nan")
