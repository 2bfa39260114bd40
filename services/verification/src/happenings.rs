//! What happened to a holder beside visits, told from what the registry holds about them.

use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_protocol::activity::{ActivityEvent, ActivityParty};
use cyberid_storage::StorageError;
use cyberid_storage::held::HeldTable;
use serde_json::Value;

/// The events in these tables, in no order: leaves about the holder, alerts, and the reasons of a suspension.
pub(crate) fn happenings(held: &[HeldTable]) -> Result<Vec<ActivityEvent>, StorageError> {
    let mut events = Vec::new();
    for table in held {
        let read = match table.name.as_str() {
            "promise" => leaf,
            "device_alert" => alert,
            "suspension" => suspension,
            "counter_code" => {
                events.extend(counter(&table.rows)?);
                continue;
            }
            _ => continue,
        };
        for row in &table.rows {
            let row: Value = serde_json::from_str(row).map_err(|_| StorageError::Corrupt("row"))?;
            events.push(read(&row).ok_or(StorageError::Corrupt("event"))?);
        }
    }
    Ok(events)
}

fn leaf(row: &Value) -> Option<ActivityEvent> {
    let leaf: Value = serde_json::from_str(member(row, "body").as_str()?).ok()?;
    let rp: Option<ClientId> = member(&leaf, "rp").as_str().and_then(|id| id.parse().ok());
    Some(ActivityEvent {
        kind: text(member(&leaf, "kind"))?,
        rp: rp.map(|client_id| ActivityParty {
            client_id,
            name: None,
        }),
        purpose: text(member(&leaf, "purpose")),
        fields: serde_json::from_value(member(&leaf, "fields").clone()).unwrap_or_default(),
        reason: text(member(&leaf, "reason")),
        ..at(member(&leaf, "time"))?
    })
}

fn alert(row: &Value) -> Option<ActivityEvent> {
    Some(ActivityEvent {
        kind: text(member(row, "kind"))?,
        device: text(member(row, "device")),
        ..at(member(row, "time"))?
    })
}

fn suspension(row: &Value) -> Option<ActivityEvent> {
    Some(ActivityEvent {
        kind: "suspended".into(),
        reason: text(member(row, "reason")),
        ..at(member(row, "since"))?
    })
}

/// Each sheet once, with the station that assisted; and each code that was used.
fn counter(rows: &[String]) -> Result<Vec<ActivityEvent>, StorageError> {
    let mut events: Vec<ActivityEvent> = Vec::new();
    for row in rows {
        let row: Value = serde_json::from_str(row).map_err(|_| StorageError::Corrupt("row"))?;
        let sheet = sheet(&row).ok_or(StorageError::Corrupt("event"))?;
        if !events.contains(&sheet) {
            events.push(sheet);
        }
        events.extend(at(member(&row, "used_at")).map(|used| ActivityEvent {
            kind: "code_used".into(),
            device: text(member(&row, "jkt")),
            ..used
        }));
    }
    Ok(events)
}

fn sheet(row: &Value) -> Option<ActivityEvent> {
    let station: Option<ClientId> = member(row, "station").as_str().and_then(|id| id.parse().ok());
    Some(ActivityEvent {
        kind: "counter_assisted".into(),
        rp: station.map(|client_id| ActivityParty {
            client_id,
            name: None,
        }),
        ..at(member(row, "kept_at"))?
    })
}

/// A member, or null.
fn member<'a>(of: &'a Value, name: &str) -> &'a Value {
    of.get(name).unwrap_or(&Value::Null)
}

fn at(time: &Value) -> Option<ActivityEvent> {
    Some(ActivityEvent {
        time: UnixTime(time.as_u64()?),
        kind: String::new(),
        rp: None,
        purpose: None,
        fields: Vec::new(),
        device: None,
        reason: None,
    })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use cyberid_domain::field::Field;

    use super::*;

    fn table(name: &str, row: &str) -> HeldTable {
        HeldTable {
            name: name.into(),
            rows: vec![row.into()],
            withheld: vec![],
        }
    }

    #[test]
    fn leaves_alerts_and_suspensions_are_events_and_other_tables_are_not() {
        let body = r#"{\"fields\":[\"name\"],\"kind\":\"consent.granted\",\"purpose\":\"deliver\",\"rp\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"time\":7}"#;
        let events = happenings(&[
            table("promise", &format!("{{\"id\":\"x\",\"body\":\"{body}\"}}")),
            table(
                "device_alert",
                r#"{"place":1,"time":8,"kind":"device_added","device":"k"}"#,
            ),
            table("suspension", r#"{"reason":"holder","since":9}"#),
            table(
                "counter_code",
                r#"{"jkt":"k","station":"AAAAAAAAAAAAAAAAAAAAAA","kept_at":10,"used_at":11}"#,
            ),
            table("device", r#"{"jkt":"k"}"#),
        ])
        .unwrap();
        let said: Vec<_> = events
            .iter()
            .map(|event| (event.time.0, event.kind.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (7, "consent.granted"),
                (8, "device_added"),
                (9, "suspended"),
                (10, "counter_assisted"),
                (11, "code_used")
            ]
        );
        assert_eq!(events[0].fields, [Field::Name]);
        assert!(events[0].rp.is_some() && events[3].rp.is_some());
        assert_eq!(events[1].device.as_deref(), Some("k"));
        assert_eq!(events[2].reason.as_deref(), Some("holder"));
    }

    #[test]
    fn a_row_that_cannot_be_read_is_not_left_out() {
        for row in ["{", "{}", r#"{"time":"x","kind":"device_added"}"#] {
            assert!(happenings(&[table("device_alert", row)]).is_err(), "{row}");
        }
    }
}
