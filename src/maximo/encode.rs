//! An intent's request body: the exact bytes that the outbox keeps and the sender sends.

use serde_json::{Map, Value, json};

use crate::domain::{AlertId, Intent, Reference, WorkOrderDraft};

/// The request body of an intent. The same intent always gives the same bytes.
pub fn encode(intent: &Intent) -> Vec<u8> {
    let body = match intent {
        Intent::Acknowledge { by, notes, .. } => {
            let mut body = json!({ "status": "acknowledged", "acknowledgedBy": by });
            set(&mut body, "notes", notes.as_deref());
            body
        }
        Intent::Resolve {
            by,
            resolution,
            root_cause,
            preventive_action,
            ..
        } => {
            let mut body = json!({ "resolvedBy": by, "resolution": resolution, "rootCause": root_cause });
            set(&mut body, "preventiveAction", preventive_action.as_deref());
            body
        }
        Intent::CreateWorkOrder {
            alert, generation, draft, ..
        } => work_order(alert, *generation, draft),
        Intent::SetMetadata { metadata, .. } => json!({ "metadata": metadata }),
        Intent::SyncAsset { status, .. } => json!({ "status": status }),
        // not Maximo's wire: what is sent was made by the bridge
        Intent::ReportProduction { report, .. } => json!(report),
        Intent::CallWebhook { payload, .. } => payload.clone(),
    };
    body.to_string().into_bytes()
}

fn work_order(alert: &AlertId, generation: u32, draft: &WorkOrderDraft) -> Value {
    let reference = Reference::of(&draft.siteid, alert, generation);
    // rich text at the server: what a person typed is text, not markup
    let long = format!(
        "{}\n\nAlert: {}\nReference: {}",
        draft.description_longdescription,
        alert.raw(),
        reference.whole()
    );
    let mut body = json!({
        "description": draft.description,
        "description_longdescription": escaped(&long),
    });
    set(&mut body, "assetnum", draft.assetnum.as_deref());
    set(&mut body, "siteid", Some(&draft.siteid));
    set(&mut body, "worktype", Some(&draft.worktype));
    if let Some(body) = body.as_object_mut() {
        body.insert("wopriority".into(), draft.wopriority.into());
    }
    set(&mut body, "reportedby", Some(&draft.reportedby));
    set(&mut body, "classificationid", Some(&draft.classificationid));
    set(&mut body, "lead", draft.lead.as_deref());
    set(&mut body, "externalrefid", Some(&reference.short()));
    body
}

fn set(body: &mut Value, name: &str, value: Option<&str>) {
    if let (Some(value), Some(body)) = (
        value.filter(|value| !value.is_empty()),
        body.as_object_mut() as Option<&mut Map<String, Value>>,
    ) {
        body.insert(name.into(), value.into());
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_those_of_the_contract() {
        let text = |intent: &Intent| String::from_utf8(encode(intent)).unwrap();
        let ack = Intent::Acknowledge {
            alert: "a".into(),
            by: "operator1".into(),
            notes: Some("drift?".into()),
            over: None,
        };
        assert_eq!(
            text(&ack),
            r#"{"status":"acknowledged","acknowledgedBy":"operator1","notes":"drift?"}"#
        );
        let resolve = Intent::Resolve {
            alert: "a".into(),
            by: "t".into(),
            resolution: "r".into(),
            root_cause: "c".into(),
            preventive_action: None,
        };
        assert_eq!(text(&resolve), r#"{"resolvedBy":"t","resolution":"r","rootCause":"c"}"#);
    }

    #[test]
    fn a_work_order_carries_its_reference_and_no_markup() {
        let draft = WorkOrderDraft {
            description: "IoT Alert: <b>hot</b>".into(),
            description_longdescription: "Value: 98 <script>".into(),
            assetnum: Some("PUMP-017".into()),
            siteid: "BEDFORD".into(),
            worktype: "CM".into(),
            wopriority: 1,
            reportedby: "MONITOR".into(),
            classificationid: String::new(),
            lead: None,
        };
        let body: Value = serde_json::from_slice(&encode(&Intent::CreateWorkOrder {
            alert: "alert-9".into(),
            generation: 0,
            seen: Vec::new(),
            allow_duplicate: false,
            draft,
        }))
        .unwrap();
        let reference = Reference::of("BEDFORD", &"alert-9".into(), 0);
        assert_eq!(body["externalrefid"], reference.short());
        assert_eq!(body["wopriority"], 1);
        assert!(body.get("classificationid").is_none());
        let long = body["description_longdescription"].as_str().unwrap();
        assert!(long.contains("&lt;script&gt;") && long.contains("alert-9") && long.ends_with(reference.whole()));
    }
}
