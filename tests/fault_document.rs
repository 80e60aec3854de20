//! Faults while documents are made by hand: all of them is there, or nothing.

use app::Error;
use app::invoice::CreditInvoice;
use app::one_off::NewCharge;
use app::request::{self, RequestKey};
use domain::id::{ChargeId, LineId, ProductId};
use domain::invoice::credit::Wanted;
use domain::money::{Currency, Money};
use futures::FutureExt;
use testkit::{Cut, Vendor, date};
use uuid::Uuid;

use crate::fault::{cut_everywhere_from, first_of_march};

fn key(number: u128) -> Option<RequestKey> {
    let id = Uuid::from_u128(number);
    Some(RequestKey { id, method: "test", content_hash: [0; 32] })
}

/// The customer Ann, and what her yearly plan is of.
async fn ann(vendor: &Vendor) -> Result<(domain::customer::Customer, ProductId, LineId), Error> {
    let mut scope = vendor.ctx.scope(vendor.org).await?;
    let page = app::page::PageRequest::new(50, String::new())?;
    let customers =
        app::customer::list(&mut scope, &app::customer::Filter::default(), &page).await?;
    let ann = customers.rows.into_iter().find(|one| one.name == "Ann").expect("Ann");
    let filter =
        app::invoice::Filter { customer_id: Some(ann.id), ..app::invoice::Filter::default() };
    let invoices = app::invoice::list(&mut scope, &filter, &page).await?.rows;
    let invoice = app::invoice::get(&mut scope, invoices[0].id).await?;
    let yearly = invoice.lines.iter().find(|line| line.net.minor() == 36_500).expect("a year");
    Ok((ann, yearly.product_id, yearly.id))
}

/// An invoice of charges, then a credit of a part of a year; each once, by its request id.
async fn by_hand(vendor: Vendor) -> Result<(), Error> {
    let (ann, product_id, line_id) = ann(&vendor).await?;
    let charge = NewCharge {
        id: Some(ChargeId(Uuid::from_u128(7))),
        product_id,
        description: Some("once".to_owned()),
        quantity: domain::decimal::parse("2").expect("a number"),
        unit_price: domain::decimal::parse("12.50").expect("a number"),
        service_from: None,
        service_until: None,
    };
    let (ctx, org, customer) = (&vendor.ctx, vendor.org, ann.id);
    request::once(
        ctx,
        org,
        key(1),
        |()| Vec::new(),
        |scope| {
            async move { app::one_off::invoice(scope, customer, vec![charge]).await.map(|_| ()) }
                .boxed()
        },
    )
    .await?;
    let amount = Some(Money::new(5_000, Currency::EUR));
    request::once(
        ctx,
        org,
        key(2),
        |()| Vec::new(),
        |scope| {
            async move {
                let line = scope_line(scope, line_id).await?;
                let lines = vec![Wanted { line_id, amount }];
                let command = CreditInvoice { id: line, lines, reason: "te veel".to_owned() };
                app::invoice::credit(scope, command).await.map(|_| ())
            }
            .boxed()
        },
    )
    .await?;
    Ok(())
}

/// The invoice of a line.
async fn scope_line(
    scope: &mut app::Scope,
    line_id: LineId,
) -> Result<domain::id::InvoiceId, Error> {
    let page = app::page::PageRequest::new(50, String::new())?;
    let filter = app::invoice::Filter::default();
    for listed in app::invoice::list(scope, &filter, &page).await?.rows {
        let invoice = app::invoice::get(scope, listed.id).await?;
        if invoice.lines.iter().any(|line| line.id == line_id) {
            return Ok(invoice.id);
        }
    }
    panic!("no invoice has line {line_id}");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_made_by_hand_are_whole_or_not_there_wherever_the_connection_breaks() {
    for side in [Cut::Before, Cut::After] {
        let (database, clock, org) = first_of_march().await;
        let ctx = testkit::ctx(database.store(), clock.clone());
        // What is due is done: numbers do not depend on when the connection breaks.
        let vendor = Vendor { ctx, org, key: String::new() };
        vendor.live_until(date("2025-03-01")).await.unwrap();
        let statements = cut_everywhere_from((database, clock, org), side, by_hand).await;
        assert!(statements > 40, "only {statements} statements");
    }
}
