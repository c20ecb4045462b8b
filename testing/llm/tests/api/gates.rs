//! Streams that go on when the test says so.

use reqwest::Response;
use todo_llm::Reply;

use crate::support::{LIMIT, ask, nothing_comes, playing, user};
use tokio::time::timeout;

async fn next(response: &mut Response) -> String {
    let bytes = timeout(LIMIT, response.chunk()).await.expect("a chunk").unwrap().expect("no end");
    String::from_utf8(bytes.into()).unwrap()
}

#[tokio::test]
async fn chunks_pass_one_by_one_then_all() {
    let model = playing(Reply::pieces(["a", "b", "c", "d"]).gate("here", 2)).await;
    let mut response = ask(&model, &[user("hi")]).await;
    next(&mut response).await;
    assert!(next(&mut response).await.contains(r#""content":"a""#));
    nothing_comes(&model, &mut response).await;
    model.pass("here", 1);
    assert!(next(&mut response).await.contains(r#""content":"b""#));
    nothing_comes(&model, &mut response).await;
    model.open("here");
    let rest = timeout(LIMIT, response.text()).await.expect("the rest").unwrap();
    assert!(rest.contains(r#""content":"c""#) && rest.contains("[DONE]"), "{rest}");
}

#[tokio::test]
async fn a_gate_opens_over_http_and_before_the_stream_is_there() {
    let model = playing(Reply::text("Hi").gate("here", 0)).await;
    let open = |query: &str| {
        let url = format!("http://{}/gates/here{query}", model.address());
        reqwest::Client::new().post(url).send()
    };
    assert_eq!(open("?chunks=1").await.unwrap().status(), 204);
    let mut response = ask(&model, &[user("hi")]).await;
    assert!(next(&mut response).await.contains(r#""role":"assistant""#));
    nothing_comes(&model, &mut response).await;
    assert_eq!(open("").await.unwrap().status(), 204);
    assert!(timeout(LIMIT, response.text()).await.expect("the rest").unwrap().contains("[DONE]"));
}
