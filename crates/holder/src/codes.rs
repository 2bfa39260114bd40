//! Codes at a counter: the device shows one, and learns which question it led to.

use std::time::Duration;

use cyberid_domain::id::CounterCode;
use cyberid_protocol::counter_code::{CodeMade, CodeView};
use cyberid_protocol::problem::ProblemType;

use crate::{Holder, HolderError};

/// The longest that the platform is asked to hold an answer back, in seconds.
const LONGEST_WAIT: u64 = 30;
/// The pause between two looks, should the platform answer at once.
const PAUSE: Duration = Duration::from_millis(500);

impl Holder {
    /// A fresh code to show, as a QR code. The device's earlier one is void.
    pub async fn make_code(&self) -> Result<CodeMade, HolderError> {
        Ok(self.session.post_empty("/v1/me/codes", &[]).await?)
    }

    /// The address of the request that the code led to; nothing if nobody used it while it lived.
    pub async fn await_code(&self, code: &CounterCode) -> Result<Option<String>, HolderError> {
        let wait = (self.client().limits().total.as_secs() / 2).clamp(1, LONGEST_WAIT);
        let path = format!("/v1/me/codes/{code}?wait={wait}");
        loop {
            match self.session.get::<CodeView>(&path).await {
                Ok(CodeView { request_uri: None }) => {}
                Ok(CodeView { request_uri }) => return Ok(request_uri),
                Err(error) if error.problem() == Some(ProblemType::NotFound) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::met;

    const VIEW: &str = "GET /v1/me/codes/code_AAAAAAAAAAAAAAAAAAAAAA";

    #[tokio::test]
    async fn a_code_leads_to_a_request_or_to_nothing() {
        let (double, holder) = met().await;
        let made = json!({"code": "code_AAAAAAAAAAAAAAAAAAAAAA", "expires_in": 30});
        double.script("POST /v1/me/codes", 201, made.to_string());
        let code = holder.make_code().await.unwrap().code;
        double.script(VIEW, 200, "{}");
        let (waited, ()) = tokio::join!(holder.await_code(&code), async {
            tokio::time::sleep(PAUSE / 2).await;
            double.script(VIEW, 200, json!({"request_uri": "u"}).to_string());
        });
        assert_eq!(waited, Ok(Some("u".into())));
        let other = "code_BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap();
        assert_eq!(holder.await_code(&other).await, Ok(None));
        assert!(double.received(VIEW)[0].headers.contains_key("authorization"));
    }
}
