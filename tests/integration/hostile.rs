//! What nobody should send, at every way in: a clear status with the field's
//! name or an answer; never a panic, never a dropped connection.

use crate::support::{ARTICLE, Server, article, config, request, target, tool, wiredesk};
use serde_json::{Value, json};
use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};
use tonic::Code;
use tonic_types::{RpcStatusExt, StatusExt};
use wiredesk::service::pb::{
    self, classify_batch_result::Result as BatchItem, classify_stream_response::Result as StreamItem,
};

struct Case {
    name: &'static str,
    request: pb::ClassifyRequest,
    /// The fields that are complained of, in order; none: it gets an answer.
    faults: &'static [&'static str],
}

fn cases() -> Vec<Case> {
    let plain = || pb::ClassifyRequest { article: Some(article(ARTICLE)), ..Default::default() };
    let text = |text: &str| pb::ClassifyRequest { article: Some(article(text)), ..Default::default() };
    let targets = |targets| pb::ClassifyRequest { targets, ..plain() };
    let with = |article: pb::Article| pb::ClassifyRequest { article: Some(article), ..Default::default() };
    let options = |options| pb::ClassifyRequest { options: Some(options), ..plain() };
    let case = |name, request, faults| Case { name, request, faults };
    let mention = |begin, end, field| {
        let mentions = vec![pb::Span { begin, end, field }];
        targets(vec![pb::Target { mentions, ..target("Iraq") }])
    };
    vec![
        case("nothing at all", pb::ClassifyRequest::default(), &["article"]),
        case("empty text", text(""), &[]),
        case("white space", text(" \n\t\u{a0}\u{feff} "), &[]),
        case("one word", text("War"), &[]),
        case("one letter", text("x"), &[]),
        case("NUL bytes", text(&format!("\0{}\0\0", ARTICLE.replace(' ', "\0"))), &[]),
        case("control characters", text(&(0_u8..128).map(char::from).collect::<String>()), &[]),
        case("replacement characters", text(&"\u{fffd}".repeat(1_000)), &[]),
        case("marks upon marks", text(&format!("e{}", "\u{301}".repeat(100_000))), &[]),
        case("right to left and back", text("\u{202e}\u{2066}raqI \u{202c}\u{2069}"), &[]),
        case("emoji", text(&"\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467} ".repeat(2_000)), &[]),
        case("one word of 100 kB", text(&"a".repeat(100_000)), &[]),
        case("no spaces", text(&"\u{4e2d}\u{56fd}".repeat(50_000)), &[]),
        case("only line breaks", text(&"\n".repeat(200_000)), &[]),
        case("only quotation marks", text(&"\"'\u{201c}\u{201d}".repeat(20_000)), &[]),
        case("only places", text(&"Syria, Iraq. ".repeat(20_000)), &[]),
        case(
            "another language",
            text(&"Das Parlament in Berlin hat gestern ein neues Gesetz beschlossen. ".repeat(20)),
            &[],
        ),
        case("another script", text(&"Правительство Сирии объявило о новых выборах. ".repeat(20)), &[]),
        case("a wrong language", with(pb::Article { language: "sw".into(), ..article(ARTICLE) }), &[]),
        case("markup", text(&"<p onclick='x'>&lt;b&gt; ${jndi:x} '; DROP TABLE</p>".repeat(500)), &[]),
        case("exactly 1 MiB", text(&"word ".repeat(300_000)[..1 << 20]), &[]),
        case("over 1 MiB", text(&"word ".repeat(300_000)[..(1 << 20) + 1]), &["article.text"]),
        case("far over 1 MiB", text(&"word ".repeat(1_000_000)), &["article.text"]),
        case(
            "a title over 1 MiB",
            with(pb::Article { title: "x".repeat(1 << 21), ..Default::default() }),
            &["article.text"],
        ),
        case(
            "no language tag",
            with(pb::Article { language: "english, please".into(), ..article("x") }),
            &["article.language"],
        ),
        case("a long id", with(pb::Article { id: "x".repeat(10_000), ..article("x") }), &["article.id"]),
        case("thousands of targets", targets(vec![target("Iraq"); 5_000]), &["targets"]),
        case("100 targets", targets(vec![target("Iraq"); 100]), &[]),
        case("a target without a name", targets(vec![target("Iraq"), target("")]), &["targets[1].name"]),
        case("a target of blanks", targets(vec![target(" \0 ")]), &["targets[0].name"]),
        case("a long target", targets(vec![target(&"x".repeat(257))]), &["targets[0].name"]),
        case(
            "thousands of aliases",
            targets(vec![pb::Target { aliases: vec!["A".into(); 5_000], ..target("Iraq") }]),
            &["targets[0].aliases"],
        ),
        case("empty aliases", targets(vec![pb::Target { aliases: vec![String::new(); 3], ..target("Iraq") }]), &[]),
        case("a mention past the end", mention(0, 4_000_000_000, 2), &["targets[0].mentions[0]"]),
        case("a mention backwards", mention(9, 3, 2), &["targets[0].mentions[0]"]),
        case("a mention of nothing", mention(3, 3, 0), &["targets[0].mentions[0]"]),
        case("a mention in an unknown field", mention(0, 4, 77), &["targets[0].mentions[0].field"]),
        case(
            "an unknown head",
            options(pb::ClassifyOptions { heads: vec![1, 99], ..Default::default() }),
            &["options.heads[1]"],
        ),
        case(
            "a negative head",
            options(pb::ClassifyOptions { heads: vec![-1], ..Default::default() }),
            &["options.heads[0]"],
        ),
        case("head 0", options(pb::ClassifyOptions { heads: vec![0], ..Default::default() }), &["options.heads[0]"]),
        case("thousands of heads", options(pb::ClassifyOptions { heads: vec![2; 9_000], ..Default::default() }), &[]),
        case("all labels and more", options(pb::ClassifyOptions { top_k: u32::MAX, ..Default::default() }), &[]),
        case(
            "a long model name",
            options(pb::ClassifyOptions { model: "m".repeat(1_000), ..Default::default() }),
            &["options.model"],
        ),
        case("a long request id", pb::ClassifyRequest { request_id: "r".repeat(1_000), ..plain() }, &["request_id"]),
        case(
            "several faults",
            pb::ClassifyRequest {
                article: Some(pb::Article { language: "!".into(), ..article("x") }),
                ..targets(vec![target("")])
            },
            &["article.language", "targets[0].name"],
        ),
    ]
}

/// `faults` below `parent` must be what the details name.
fn check(case: &Case, way: &str, parent: &str, code: i32, details: Option<tonic_types::BadRequest>, message: &str) {
    let context = format!("{} by {way}: {message}", case.name);
    assert_eq!(code, i32::from(Code::InvalidArgument), "{context}");
    let fields: Vec<_> = details.expect(&context).field_violations.into_iter().map(|v| v.field).collect();
    let expect: Vec<_> = case.faults.iter().map(|f| format!("{parent}{f}")).collect();
    assert_eq!(fields, expect, "{context}");
    assert!(message.starts_with(&expect[0]), "{context}");
}

#[tokio::test]
async fn by_single_calls() {
    let server = Server::start(config()).await;
    let mut client = server.client().await;
    for case in cases() {
        match client.classify(case.request.clone()).await {
            Ok(_) => assert!(case.faults.is_empty(), "{}", case.name),
            Err(s) => check(&case, "call", "", s.code().into(), s.get_details_bad_request(), s.message()),
        }
        client.classify(request("")).await.expect("the server lives");
    }
}

#[tokio::test]
async fn by_batch() {
    let server = Server::start(config()).await;
    let mut client = server.client().await;
    let mut cases = cases();
    while !cases.is_empty() {
        let some: Vec<Case> = cases.drain(..cases.len().min(10)).collect();
        let requests = some.iter().map(|case| case.request.clone()).collect();
        let reply = client.classify_batch(pb::ClassifyBatchRequest { requests }).await.unwrap().into_inner();
        assert_eq!(reply.results.len(), some.len());
        for (i, (case, result)) in some.iter().zip(reply.results).enumerate() {
            match result.result.unwrap() {
                BatchItem::Response(_) => assert!(case.faults.is_empty(), "{}", case.name),
                BatchItem::Error(e) => {
                    check(case, "batch", &format!("requests[{i}]."), e.code, e.get_details_bad_request(), &e.message);
                }
            }
        }
    }
}

#[tokio::test]
async fn by_stream() {
    let server = Server::start(config()).await;
    let cases = cases();
    let message = |case: &Case| pb::ClassifyStreamRequest { request: Some(case.request.clone()) };
    let mut messages: Vec<_> = cases.iter().map(message).collect();
    messages.push(pb::ClassifyStreamRequest { request: None });
    let mut replies = server.client().await.classify_stream(tokio_stream::iter(messages)).await.unwrap().into_inner();
    for case in &cases {
        let reply = replies.message().await.unwrap().expect(case.name);
        assert_eq!(reply.request_id, case.request.request_id);
        match reply.result.unwrap() {
            StreamItem::Response(_) => assert!(case.faults.is_empty(), "{}", case.name),
            StreamItem::Error(e) => check(case, "stream", "request.", e.code, e.get_details_bad_request(), &e.message),
        }
    }
    let Some(StreamItem::Error(e)) = replies.message().await.unwrap().unwrap().result else { panic!("an answer") };
    assert!(e.message.starts_with("request.article: "), "{}", e.message);
    assert!(replies.message().await.unwrap().is_none());
}

/// The request as the proto's JSON.
fn to_json(request: &pb::ClassifyRequest) -> Value {
    let span = |s: &pb::Span| json!({"begin": s.begin, "end": s.end, "field": s.field});
    let target = |t: &pb::Target| json!({"name": t.name, "aliases": t.aliases, "mentions": t.mentions.iter().map(span).collect::<Vec<_>>()});
    let mut object = json!({
        "targets": request.targets.iter().map(target).collect::<Vec<_>>(),
        "request_id": request.request_id,
    });
    if let Some(a) = &request.article {
        object["article"] = json!({"id": a.id, "title": a.title, "text": a.text, "language": a.language});
    }
    if let Some(o) = &request.options {
        object["options"] = json!({"heads": o.heads, "top_k": o.top_k, "model": o.model});
    }
    object
}

fn pipe(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _closed = feeder.join().unwrap();
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn by_grpcurl() {
    let Some(grpcurl) = tool("grpcurl") else { return };
    let server = Server::start(config()).await;
    let call = |json: &[u8]| {
        let mut command = Command::new(&grpcurl);
        command.args(["-plaintext", "-d", "@", &server.address.to_string()]);
        let output = pipe(command.arg("wiredesk.v1.ClassifierService/Classify"), json);
        let error = String::from_utf8(output.stderr).unwrap();
        (output.status.success(), error)
    };
    for case in cases() {
        let (ok, error) = call(to_json(&case.request).to_string().as_bytes());
        assert_eq!(ok, case.faults.is_empty(), "{}: {error}", case.name);
        for field in case.faults {
            assert!(error.contains("InvalidArgument") && error.contains(&format!("\"field\":\"{field}\"")), "{error}");
        }
    }
    for (json, says) in [
        (r#"{"article":{"text":"lone \ud800 surrogate \udfff"}}"#, ""),
        (r#"{"article":{"text":"\u0000"}}"#, ""),
        (r#"{"article":{"text":"x"},"options":{"heads":["HEAD_NONSENSE"]}}"#, "HEAD_NONSENSE"),
        (r#"{"article":{"txt":"x"}}"#, "txt"),
        (r#"{"article":"#, "EOF"),
    ] {
        let (ok, error) = call(json.as_bytes());
        assert!(ok == says.is_empty() && error.contains(says), "{json}: {error}");
    }
}

/// What the cases are as rows: heads and the like cannot be said there.
fn rows() -> Vec<Case> {
    let expressible = |case: &Case| {
        let fault =
            case.faults.first().is_none_or(|f| !f.starts_with("options") && *f != "request_id" && *f != "article");
        fault && case.request.article.is_some()
    };
    cases().into_iter().filter(expressible).filter(|case| case.name != "a mention in an unknown field").collect()
}

fn check_rows(cases: &[Case], first_line: usize, output: &Output) {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    let answers = String::from_utf8(output.stdout.clone()).unwrap().lines().count();
    assert_eq!(answers, cases.iter().filter(|c| c.faults.is_empty()).count());
    let mut complaints = error.lines();
    for (i, case) in cases.iter().enumerate() {
        if let Some(fault) = case.faults.first() {
            let expect = format!("error: <stdin>:{}: {fault}: ", first_line + i);
            let got = complaints.next().unwrap_or_default();
            assert!(got.starts_with(&expect), "{}: {got}", case.name);
        }
    }
}

#[test]
fn by_json_lines() {
    let cases = rows();
    let mut input = Vec::new();
    for case in &cases {
        let mut row = to_json(&case.request);
        let mut article = row["article"].take();
        article["targets"] = row["targets"].take();
        for target in article["targets"].as_array_mut().unwrap() {
            for mention in target["mentions"].as_array_mut().unwrap() {
                mention["field"] = json!("text");
            }
        }
        writeln!(input, "{article}").unwrap();
    }
    let output = pipe(wiredesk().args(["classify", "-", "--input-format", "jsonl"]), &input);
    check_rows(&cases, 1, &output);

    for row in [
        &br#"{"text":"lone \ud800 surrogate"}"#[..],
        br#"{"text":"\udc00"}"#,
        b"{\"text\":\"\xff\"}",
        b"\xff\xfe{\0}\0",
        b"null",
        b"{}",
        b"7",
        br#"{"text":7}"#,
        br#"{"text":"x","targets":"Iraq"}"#,
        br#"{"text":"x","targets":[{"nom":"Iraq"}]}"#,
        br#"{"text":"x","id":["7"]}"#,
        br#"{"text":"x","text":"y"}"#,
    ] {
        let output = pipe(wiredesk().args(["classify", "-", "--input-format", "jsonl"]), row);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.starts_with("error: <stdin>:1: ") && !error.contains("panicked"), "{error}");
    }
    let nested = format!("{{\"text\":\"x\",\"targets\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let output = pipe(wiredesk().args(["classify", "-", "--input-format", "jsonl"]), nested.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("recursion limit"));
}

#[test]
fn by_csv() {
    // A CSV names its targets without aliases and mentions.
    let simple = |case: &Case| case.request.targets.iter().all(|t| t.aliases.is_empty() && t.mentions.is_empty());
    let cases: Vec<_> = rows().into_iter().filter(simple).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["id", "title", "text", "lang", "targets"]).unwrap();
    for case in &cases {
        let a = case.request.article.as_ref().unwrap();
        let names: Vec<_> = case.request.targets.iter().map(|t| t.name.as_str()).collect();
        let names = if names.is_empty() { String::new() } else { json!(names).to_string() };
        // One line a row, so that the line tells the row.
        let text = a.text.replace(['\n', '\r'], " ");
        writer.write_record([&a.id, &a.title, &text, &a.language, &names]).unwrap();
    }
    let input = writer.into_inner().unwrap();
    let output = pipe(wiredesk().args(["classify", "-", "--input-format", "csv", "--output-format", "jsonl"]), &input);
    check_rows(&cases, 2, &output);

    for bad in [&b"text\n\"never closed"[..], b"text\n\"a\"b\"c\n", b"text\na,b,c\n", b"text\n\xff\n", b"text\n\0\n"] {
        let output = pipe(wiredesk().args(["classify", "-", "--input-format", "csv"]), bad);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{bad:?}");
        assert!(!String::from_utf8(output.stderr).unwrap().contains("panicked"), "{bad:?}");
    }
    for no_header in [&b""[..], b"\n", b"\xff", b"a;b\n"] {
        let output = pipe(wiredesk().args(["classify", "-", "--input-format", "csv"]), no_header);
        assert_eq!(output.status.code(), Some(1), "{no_header:?}");
    }
}

#[test]
fn by_text() {
    for case in rows().into_iter().filter(|case| case.request.targets.is_empty()) {
        let a = case.request.article.as_ref().unwrap();
        if !a.title.is_empty() || !a.language.is_empty() || a.id.len() > 10 {
            continue;
        }
        let output = pipe(wiredesk().args(["classify", "-", "--output-format", "json"]), a.text.as_bytes());
        let error = String::from_utf8(output.stderr).unwrap();
        match case.faults {
            [] => assert!(output.status.success(), "{}: {error}", case.name),
            [fault, ..] => assert!(error.starts_with(&format!("error: <stdin>:1: {fault}: ")), "{error}"),
        }
    }
    let output = pipe(wiredesk().args(["classify", "-"]), b"caf\xe9");
    assert!(String::from_utf8(output.stderr).unwrap().contains("byte 3 is not UTF-8"));
}
