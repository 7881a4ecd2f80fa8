"""A stock client of the Open Inference Protocol: tritonclient. Arguments: address, file of an article."""

import json
import sys

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

client = triton.InferenceServerClient(sys.argv[1])
text = open(sys.argv[2], encoding="utf-8").read()
assert client.is_server_live() and client.is_server_ready()
server = client.get_server_metadata()
assert server.name == "wiredesk" and server.version, server


def tensor(name, values):
    data = np.array([v.encode() for v in values], dtype=np.object_)
    tensor = triton.InferInput(name, [len(values)], "BYTES")
    tensor.set_data_from_numpy(data)
    return tensor


name = sys.argv[3]
assert client.is_model_ready(name) and not client.is_model_ready("nobody")
model = client.get_model_metadata(name)
assert [t.name for t in model.inputs] == ["text", "title", "language", "target"], model
inputs = [tensor("text", [text, "Rain."]), tensor("target", ["Syrian government", ""])]
result = client.infer(name, inputs, request_id="r-1")
response = result.get_response()
assert response.id == "r-1" and response.model_name == name and response.model_version in model.versions
answers = {}
for output in model.outputs:
    values = result.as_numpy(output.name)
    assert values.shape == (2,), (output.name, values)
    first = values[0]
    answers[output.name] = first.decode() if isinstance(first, bytes) else float(first)
only = client.infer(name, inputs[:1], outputs=[triton.InferRequestedOutput("desk")])
assert only.as_numpy("desk")[0].decode() == answers["desk"]
assert only.as_numpy("topic") is None
for bad, says in [
    ([tensor("body", [text])], "inputs[0].name: no such input"),
    ([tensor("text", [text]), tensor("title", ["a", "b"])], "inputs[1]: 2 elements"),
    ([tensor("text", [text, text]), tensor("language", ["en", "no tag"])], "element 1: requests[1].article.language"),
]:
    try:
        client.infer(name, bad)
        raise AssertionError(says)
    except InferenceServerException as error:
        assert says in error.message(), error
print(json.dumps(answers))
