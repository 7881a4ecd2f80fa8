"""Calls a running server as a Python user would: classify.py ADDRESS ARTICLE.

PYTHONPATH must hold the stubs that grpc_tools.protoc makes of proto/.
"""

import sys

import grpc

from wiredesk.v1 import classifier_pb2 as pb
from wiredesk.v1 import classifier_pb2_grpc, model_pb2, model_pb2_grpc

TARGET = "Syrian government"


def answer(response):
    """What must be equal in every reply."""
    return (
        [(label.id, label.probability) for label in response.topic.labels],
        [(country.code, country.probability) for country in response.region.countries],
        [(stance.target, stance.label, stance.probability) for stance in response.stances],
    )


def code_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code(), error.details(), dict(error.trailing_metadata())
    raise AssertionError("no error")


def main(address, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()

    def request(request_id=""):
        return pb.ClassifyRequest(
            article=pb.Article(id="py", text=text), targets=[pb.Target(name=TARGET)], request_id=request_id
        )

    with grpc.insecure_channel(address) as channel:
        classifier = classifier_pb2_grpc.ClassifierServiceStub(channel)
        models = model_pb2_grpc.ModelServiceStub(channel)

        single = classifier.Classify(request("1"), timeout=10)
        assert (single.request_id, single.article_id) == ("1", "py")
        assert len(single.topic.labels) == 17 and single.stances[0].target == TARGET
        for stance in single.stances[0].evidence:
            span = stance.mention
            assert text.encode()[span.begin : span.end].decode(), "spans are bytes of the text as sent"

        batch = classifier.ClassifyBatch(pb.ClassifyBatchRequest(requests=[request(str(i)) for i in range(50)]))
        assert [r.response.request_id for r in batch.results] == [str(i) for i in range(50)]
        assert all(answer(r.response) == answer(single) for r in batch.results)

        sent = (pb.ClassifyStreamRequest(request=request(str(i))) for i in range(200))
        replies = list(classifier.ClassifyStream(sent))
        assert [r.request_id for r in replies] == [str(i) for i in range(200)]
        assert all(answer(r.response) == answer(single) for r in replies)

        code, says, trailers = code_of(lambda: classifier.Classify(pb.ClassifyRequest()))
        assert code == grpc.StatusCode.INVALID_ARGUMENT and says.startswith("article: "), says
        assert b"google.rpc.BadRequest" in trailers["grpc-status-details-bin"]

        big = pb.ClassifyRequest(article=pb.Article(text=text * 700))
        code, _, _ = code_of(lambda: classifier.Classify(big, timeout=0.001))
        assert code == grpc.StatusCode.DEADLINE_EXCEEDED, code

        compressed = classifier.Classify(request(), compression=grpc.Compression.Gzip)
        assert answer(compressed) == answer(single)

        listed = models.ListModels(model_pb2.ListModelsRequest()).models
        card = models.GetModel(model_pb2.GetModelRequest(model=listed[0].name)).card
        assert card.identity == listed[0] == single.model and card.markdown
    print("ok")


if __name__ == "__main__":
    main(*sys.argv[1:])
