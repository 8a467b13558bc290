//! Manage: pages, refusals, links, and what counts as confirmed.

use std::sync::atomic::{AtomicUsize, Ordering};

use nightdesk::domain::{Reference, Service};
use nightdesk::maximo::{Auth, ErrorKind, ManageClient, ManagePaths, WorkOrderQuery};

use super::server::{Request, Server, json};
use super::{CANARY, endpoint, manage, telemetry};

fn number(request: &Request, name: &str) -> usize {
    request.query(name).unwrap().parse().unwrap()
}

/// `count` open orders; a page size above `most` is refused.
async fn orders(count: usize, most: usize, next_page: bool) -> Server {
    Server::start(move |request| {
        let (size, page) = (number(request, "oslc.pageSize"), number(request, "pageno"));
        if size > most {
            return json(
                400,
                r#"{"oslc:Error":{"spi:reasonCode":"BMXAA8745E","oslc:message":"Seitenumfang zu hoch","oslc:statusCode":"400"}}"#,
            );
        }
        let rows: Vec<String> = (0..count)
            .skip((page - 1) * size)
            .take(size)
            .map(|number| format!(r#"{{"wonum":"{number}","siteid":"BEDFORD","status":"WAPPR","assetnum":"P"}}"#))
            .collect();
        let next = if next_page && page * size < count {
            r#","nextPage":{"href":"https://elsewhere.example/steal?pageno=2"}"#
        } else {
            ""
        };
        json(
            200,
            format!(r#"{{"member":[{}],"responseInfo":{{"totalCount":{count}{next}}}}}"#, rows.join(",")),
        )
    })
    .await
}

#[tokio::test]
async fn all_pages_are_read_by_number_and_a_refused_page_size_is_learned() {
    for next_page in [true, false] {
        let server = orders(120, 30, next_page).await;
        let client = manage(&server);
        assert_eq!(client.open_orders("P", "BEDFORD").await.unwrap().len(), 120);
        let first = server.seen().len();
        assert_eq!(first, 2 + 5, "100 and 50 are refused, 25 is taken: five pages");
        assert_eq!(client.open_orders("P", "BEDFORD").await.unwrap().len(), 120);
        assert_eq!(server.seen().len(), first + 5, "the size is remembered");
        let clause = server.seen()[0].query("oslc.where").unwrap();
        assert_eq!(
            clause,
            r#"assetnum="P" and siteid="BEDFORD" and status!="COMP" and status!="CLOSE" and status!="CAN""#
        );
    }
}

#[tokio::test]
async fn a_missing_right_is_told_and_not_tried_with_smaller_pages() {
    let server = Server::start(|_| {
        json(
            400,
            r#"{"Error":{"reasonCode":"BMXAA9301E","message":"no access","statusCode":"400"}}"#,
        )
    })
    .await;
    let error = manage(&server).open_orders("P", "BEDFORD").await.unwrap_err();
    assert!(error.to_string().contains("permission"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_server_that_ignores_pageno_or_counts_wrong_is_not_asked_for_ever() {
    let server = Server::start(|_| {
        json(
            200,
            r#"{"member":[{"wonum":"1","status":"APPR"}],"responseInfo":{"totalCount":900}}"#,
        )
    })
    .await;
    let listing = manage(&server).work_orders(&WorkOrderQuery::default()).await.unwrap();
    assert_eq!((listing.items.len(), listing.complete), (1, false));
    assert_eq!(server.seen().len(), 6);
}

#[tokio::test]
async fn a_list_that_shifts_between_pages_is_read_again() {
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        // the first order is closed between the first two pages: one row slips from page 2 onto page 1
        let gone = calls.fetch_add(1, Ordering::SeqCst) > 0;
        let rows: Vec<String> = (usize::from(gone)..150)
            .skip((number(request, "pageno") - 1) * 100)
            .take(100)
            .map(|number| format!(r#"{{"wonum":"{number}","status":"WAPPR"}}"#))
            .collect();
        let total = if gone { 149 } else { 150 };
        json(
            200,
            format!(r#"{{"member":[{}],"responseInfo":{{"totalCount":{total}}}}}"#, rows.join(",")),
        )
    })
    .await;
    let listing = manage(&server).work_orders(&WorkOrderQuery::default()).await.unwrap();
    assert!(
        listing.items.iter().any(|order| order.wonum.raw() == "100"),
        "the row on the seam is there: {}",
        listing.items.len()
    );
}

#[tokio::test]
async fn a_record_that_does_not_fit_is_counted_but_one_with_our_reference_never_passes_for_absent() {
    let reference = Reference::of("BEDFORD", &"a".into(), 0);
    let ours = reference.short();
    let server = Server::start(move |_| {
        json(
            200,
            format!(r#"{{"member":[{{"wonum":"1"}},{{"description":"no number"}},{{"wonum":null,"externalrefid":"{ours}"}}]}}"#),
        )
    })
    .await;
    let listing = manage(&server).work_orders(&WorkOrderQuery::default()).await.unwrap();
    assert_eq!((listing.items.len(), listing.skipped), (1, 2));
    assert!(listing.items[0].is_open(), "without a status it counts as open");
    let error = manage(&server).orders_by_reference(&[reference]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn the_api_route_gets_lean_and_its_public_name_on_every_call() {
    let server = Server::start(|_| json(200, r#"{"member":[]}"#)).await;
    let paths = ManagePaths {
        base: "/maximo/api/os".into(),
        work_order: "mxapiwodetail".into(),
        asset: "mxapiasset".into(),
    };
    let client = ManageClient::new(
        endpoint(&server, Service::Manage, Auth::ManageKey(CANARY.into())),
        paths,
        telemetry(),
    )
    .unwrap();
    client.open_orders("P", "BEDFORD").await.unwrap();
    client.find_asset("P", "BEDFORD").await.unwrap();
    client.create_asset("P", "BEDFORD", "IoT Device P", "OPERATING").await.unwrap();
    for request in server.seen() {
        assert!(request.target.starts_with("/maximo/api/os/mxapi"), "{}", request.target);
        assert_eq!(request.target.matches("lean=1").count(), 1, "{}", request.target);
        assert_eq!(
            request.header("x-public-uri"),
            Some(format!("{}maximo/api/os", server.url).as_str())
        );
    }
}

#[tokio::test]
async fn an_asset_is_updated_at_our_own_place_and_read_back() {
    let other = Server::start(|_| json(200, "{}")).await;
    let foreign = format!("{}maximo/oslc/os/mxasset/_UEFN", other.url);
    let server = Server::start(move |request| match request.method.as_str() {
        "GET" => json(
            200,
            format!(r#"{{"member":[{{"assetnum":"PX","href":"{foreign}"}},{{"assetnum":"P","siteid":"BEDFORD","status":"OPERATING","href":"{foreign}"}}]}}"#),
        ),
        _ => json(204, ""),
    })
    .await;
    let client = manage(&server);
    let asset = client.find_asset("P", "BEDFORD").await.unwrap().unwrap();
    client.update_asset(&asset, "OPERATING").await.unwrap();
    let update = server.seen().into_iter().find(|request| request.method == "POST").unwrap();
    assert_eq!(update.target, "/maximo/oslc/os/mxasset/_UEFN");
    assert_eq!(
        (update.header("x-method-override"), update.header("patchtype")),
        (Some("PATCH"), Some("MERGE"))
    );
    let error = client.update_asset(&asset, "INACTIVE").await.unwrap_err();
    assert!(error.to_string().contains("OPERATING and not INACTIVE"), "{error}");
    assert!(other.seen().is_empty(), "the other origin saw a request");
}

#[tokio::test]
async fn an_asset_without_a_link_is_an_error_and_not_a_reason_to_make_another() {
    let server = Server::start(|_| json(200, r#"{"member":[{"assetnum":"P","siteid":"BEDFORD"}]}"#)).await;
    let error = manage(&server).find_asset("P", "BEDFORD").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Malformed);
}
