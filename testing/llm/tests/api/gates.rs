//! Gates, which control when a stream continues.

use reqwest::Response;
use todo_llm::Reply;

use crate::support::{TIMEOUT, ask, assert_no_chunk, model_with_reply, user};
use tokio::time::timeout;

async fn next_chunk(response: &mut Response) -> String {
    let bytes = timeout(TIMEOUT, response.chunk()).await.expect("a chunk").unwrap().expect("no end");
    String::from_utf8(bytes.into()).unwrap()
}

#[tokio::test]
async fn chunks_pass_one_by_one_and_then_all() {
    let model = model_with_reply(Reply::pieces(["a", "b", "c", "d"]).gate("gate", 2)).await;
    let mut response = ask(&model, &[user("hi")]).await;
    next_chunk(&mut response).await;
    assert!(next_chunk(&mut response).await.contains(r#""content":"a""#));
    assert_no_chunk(&model, &mut response).await;
    model.pass("gate", 1);
    assert!(next_chunk(&mut response).await.contains(r#""content":"b""#));
    assert_no_chunk(&model, &mut response).await;
    model.open("gate");
    let rest = timeout(TIMEOUT, response.text()).await.expect("the rest").unwrap();
    assert!(rest.contains(r#""content":"c""#) && rest.contains("[DONE]"), "{rest}");
}

#[tokio::test]
async fn a_gate_can_be_opened_over_http_before_the_stream_starts() {
    let model = model_with_reply(Reply::text("Hi").gate("gate", 0)).await;
    let open = |query: &str| {
        let url = format!("http://{}/gates/gate{query}", model.address());
        reqwest::Client::new().post(url).send()
    };
    assert_eq!(open("?chunks=1").await.unwrap().status(), 204);
    let mut response = ask(&model, &[user("hi")]).await;
    assert!(next_chunk(&mut response).await.contains(r#""role":"assistant""#));
    assert_no_chunk(&model, &mut response).await;
    assert_eq!(open("").await.unwrap().status(), 204);
    assert!(timeout(TIMEOUT, response.text()).await.expect("the rest").unwrap().contains("[DONE]"));
}
