//! What the holder reads of their own visits.

use cyberid_protocol::activity::{Activity, Day};

use crate::{Holder, HolderError};

impl Holder {
    /// Who asked about this holder and what else happened to them, the latest first, as the platform says: on the days from
    /// `from` to `to` (at most 31), the last seven if neither is given.
    pub async fn activity(&self, from: Option<&Day>, to: Option<&Day>) -> Result<Activity, HolderError> {
        let given = [("from", from), ("to", to)].into_iter();
        let query = given.filter_map(|(name, day)| Some(format!("{name}={}", day?.as_str())));
        let query = query.collect::<Vec<_>>().join("&");
        let path = ["/v1/me/activity", &query].join(if query.is_empty() { "" } else { "?" });
        Ok(self.session.get(&path).await?)
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::UnixTime;
    use serde_json::json;

    use super::*;
    use crate::testing::met;

    #[tokio::test]
    async fn the_days_are_asked_for_and_the_visits_are_read() {
        let (double, holder) = met().await;
        let visits = json!({"visits": [{
            "time": 7, "rp": {"client_id": "AAAAAAAAAAAAAAAAAAAAAA"}, "purpose": "login",
            "checks": ["real_person"], "passed": false
        }], "events": [{"time": 8, "kind": "device_added", "device": "k"}]});
        double.script_json("GET /v1/me/activity", &visits);
        let day = |text: &str| text.parse::<Day>().unwrap();
        let (first, last) = (day("2026-11-01"), day("2026-11-02"));
        for (from, to) in [(None, None), (Some(&first), None), (Some(&first), Some(&last))] {
            let read = holder.activity(from, to).await.unwrap();
            assert_eq!(
                (read.visits[0].time, read.visits[0].rp.name.as_deref()),
                (UnixTime(7), None)
            );
            assert_eq!(
                (read.events[0].time, read.events[0].kind.as_str()),
                (UnixTime(8), "device_added")
            );
        }
        let asked = double.received("GET /v1/me/activity");
        let asked: Vec<&str> = asked.iter().map(|call| call.line.as_str()).collect();
        let expected = ["", "?from=2026-11-01", "?from=2026-11-01&to=2026-11-02"];
        assert_eq!(asked, expected.map(|query| format!("GET /v1/me/activity{query}")));
        assert!("2026-11-01&to=x".parse::<Day>().is_err());
    }
}
