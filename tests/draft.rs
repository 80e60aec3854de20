//! Drafts: documents that wait for the end of their grace days.

mod credit;
mod fault;

use server::pb::v1::{self, ChargeState, InvoiceState};

use crate::world::{Client, Plan, World, book, date, day, decimal, euro, refusal, text};

/// Sets the grace days of the organization.
async fn grace(client: &mut Client, days: i32) -> Result<v1::Organization, tonic::Status> {
    let organization = v1::Organization { draft_grace_days: days, ..Default::default() };
    let request = v1::UpdateOrganizationRequest {
        organization: Some(organization),
        update_mask: Some(prost_types::FieldMask { paths: vec!["draft_grace_days".into()] }),
        ..Default::default()
    };
    let answer = client.organizations.update_organization(request).await?.into_inner();
    Ok(answer.organization.unwrap())
}

async fn subscribed(client: &mut Client, plan: Plan, from: &str) -> v1::Subscription {
    let customer = client.customer("Bakkerij Jansen").await;
    let plan = client.plan("base", plan).await;
    client.subscribe(Client::terms(&customer, &plan, from)).await.unwrap()
}

async fn finalize(client: &mut Client, id: &str) -> Result<v1::Invoice, tonic::Status> {
    let request = v1::FinalizeInvoiceRequest { invoice_id: id.into(), ..Default::default() };
    Ok(client.invoices.finalize_invoice(request).await?.into_inner().invoice.unwrap())
}

async fn discard(
    client: &mut Client,
    id: &str,
    reason: &str,
) -> Result<v1::Invoice, tonic::Status> {
    let request = v1::DiscardDraftRequest {
        invoice_id: id.into(),
        reason: reason.into(),
        ..Default::default()
    };
    Ok(client.invoices.discard_draft(request).await?.into_inner().invoice.unwrap())
}

async fn set_rate(client: &mut Client, percent: &str, from: &str) {
    let rate = v1::VatRate {
        country: "NL".into(),
        category: v1::VatCategory::Standard.into(),
        rate: decimal(percent),
        valid_from: Some(date(from)),
    };
    let request = v1::SetVatRateRequest { vat_rate: Some(rate), ..Default::default() };
    client.catalog.set_vat_rate(request).await.unwrap();
}

/// Kinds of events about documents.
async fn told(client: &mut Client) -> Vec<v1::EventKind> {
    let request = v1::ListEventsRequest { page_size: 500, ..Default::default() };
    let events = client.events.list_events(request).await.unwrap().into_inner().events;
    let kinds = events.iter().map(v1::Event::kind);
    kinds
        .filter(|kind| {
            matches!(
                kind,
                v1::EventKind::InvoiceFinalized
                    | v1::EventKind::InvoiceSettled
                    | v1::EventKind::CreditNoteFinalized
            )
        })
        .collect()
}

async fn page_of(client: &mut Client, id: &str, language: v1::Language) -> String {
    let request = v1::GetDocumentRequest { invoice_id: id.into(), language: language.into() };
    client.invoices.get_document(request).await.unwrap().into_inner().html
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_becomes_a_document_of_the_last_day_of_its_grace() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    assert_eq!(grace(&mut client, 3).await.unwrap().draft_grace_days, 3);
    set_rate(&mut client, "22", "2025-02-04").await;
    let year = subscribed(&mut client, Plan::months(12, "365.00"), "2025-02-01").await;
    let ran = client.run_billing().await;
    assert_eq!((ran.drafts_made, ran.invoices_issued, ran.entries_posted), (1, 0, 0));
    let again = client.run_billing().await;
    assert_eq!((again.drafts_made, again.invoices_issued), (0, 0), "it counts as billed");
    let draft = client.documents().await.remove(0);
    assert_eq!((draft.state(), draft.number.as_str()), (InvoiceState::Draft, ""));
    assert_eq!(
        book(std::slice::from_ref(&draft)),
        [" 2025-02-01 365.00 + 76.65: base 2025-02-01..2026-02-01 365.00"]
    );
    assert_eq!((day(&draft.finalize_on).as_str(), draft.finalize_time), ("2025-02-04", None));
    assert_eq!(
        (euro(&draft.amount_due), euro(&draft.balance_change)),
        ("441.65".into(), "0.00".into())
    );
    assert_eq!(day(&client.subscription(&year.id).await.billed_until), "2026-02-01");
    assert!(client.balances("2025-02-01").await.is_empty(), "the books know nothing of it");
    client.advance("2025-02-03").await.unwrap();
    assert_eq!(client.document(&draft.id).await, draft);
    assert_eq!(told(&mut client).await, []);
    client.advance("2025-02-04").await.unwrap();
    let issued = client.documents().await.remove(0);
    assert_eq!((issued.id.as_str(), issued.state()), (draft.id.as_str(), InvoiceState::Open));
    assert_eq!(issued.lines[0].id, draft.lines[0].id);
    assert_eq!(text(&issued.lines[0].vat.as_ref().unwrap().rate), "22");
    assert_eq!(
        book(std::slice::from_ref(&issued)),
        ["2025-00001 2025-02-04 365.00 + 80.30: base 2025-02-01..2026-02-01 365.00"]
    );
    assert_eq!(
        (day(&issued.billing_on), day(&issued.due_on)),
        ("2025-02-01".into(), "2025-02-18".into())
    );
    assert_eq!((issued.finalize_on, issued.finalize_time.is_some()), (None, true));
    let of = |rows: [(&str, i64); 4]| rows.map(|(code, minor)| (code.to_owned(), minor)).into();
    assert_eq!(
        client.balances("2025-02-04").await,
        of([("1300", 44_530), ("1520", -8_030), ("2000", -36_100), ("8000", -400)])
    );
    assert_eq!(told(&mut client).await, [v1::EventKind::InvoiceFinalized]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_finalized_early_by_hand_once() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    subscribed(&mut client, Plan::months(1, "30.00"), "2025-02-01").await;
    client.run_billing().await;
    let first = client.documents().await.remove(0);
    assert_eq!(finalize(&mut client, &first.id).await.unwrap(), first, "it never was a draft");
    // 12.10 of the next is paid by the balance.
    let reason = "afgesproken".to_owned();
    let all =
        v1::CreditInvoiceRequest { invoice_id: first.id.clone(), reason, ..Default::default() };
    client.invoices.credit_invoice(all).await.unwrap();
    grace(&mut client, 5).await.unwrap();
    client.advance("2025-03-01").await.unwrap();
    let draft = client.documents().await.remove(0);
    assert_eq!(
        (draft.state(), day(&draft.finalize_on)),
        (InvoiceState::Draft, "2025-03-06".into())
    );
    client.advance("2025-03-02").await.unwrap();
    let once = v1::FinalizeInvoiceRequest {
        invoice_id: draft.id.clone(),
        request_id: domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string(),
    };
    let issued = client.invoices.finalize_invoice(once.clone()).await.unwrap().into_inner();
    assert_eq!(client.invoices.finalize_invoice(once).await.unwrap().into_inner(), issued);
    let issued = issued.invoice.unwrap();
    assert_eq!(
        book(std::slice::from_ref(&issued)),
        ["2025-00002 2025-03-02 30.00 + 6.30: base 2025-03-01..2025-04-01 30.00"]
    );
    assert_eq!(day(&issued.due_on), "2025-03-16");
    assert_eq!(finalize(&mut client, &draft.id).await.unwrap(), issued, "the same answer");
    let refused = refusal(discard(&mut client, &draft.id, "te laat").await);
    assert_eq!(refused.line(), "FailedPrecondition ALREADY_FINALIZED");
    client.advance("2025-03-07").await.unwrap();
    assert_eq!(client.document(&draft.id).await, issued);
    assert_eq!(client.documents().await.len(), 3);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_balance_is_used_when_a_draft_is_finalized_and_not_before() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let dear = subscribed(&mut client, Plan::months(1, "31.00"), "2025-01-01").await;
    let customer = v1::Customer { id: dear.customer_id.clone(), ..Default::default() };
    let dearer = client.plan("dearer", Plan::months(1, "62.00")).await;
    let small = client.plan("small", Plan::months(1, "10.00")).await;
    client.subscribe(Client::terms(&customer, &small, "2025-02-01")).await.unwrap();
    client.advance("2025-01-11").await.unwrap();
    let change = v1::Change { plan_id: dearer.id, ..v1::Change::default() };
    client.change(&dear.id, change).await.unwrap();
    client.run_billing().await;
    let changed = client.documents().await.remove(1);
    let reason = "afgesproken".to_owned();
    let all = v1::CreditInvoiceRequest { invoice_id: changed.id, reason, ..Default::default() };
    client.invoices.credit_invoice(all).await.unwrap();
    client.cancel_now(&dear.id, true).await.unwrap();
    assert_eq!(client.balances("2025-01-11").await["2060"], -2_541);
    grace(&mut client, 2).await.unwrap();
    client.advance("2025-02-02").await.unwrap();
    let draft = client.documents().await.remove(0);
    assert_eq!((draft.state(), euro(&draft.amount_due)), (InvoiceState::Draft, "12.10".into()));
    assert_eq!(client.balances("2025-02-02").await["2060"], -2_541);
    client.advance("2025-02-03").await.unwrap();
    let issued = client.document(&draft.id).await;
    assert_eq!(
        (issued.state(), euro(&issued.balance_change)),
        (InvoiceState::Settled, "-12.10".into())
    );
    assert_eq!(client.balances("2025-02-03").await["2060"], -1_331);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_discarded_is_waived_and_never_credited() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    grace(&mut client, 3).await.unwrap();
    let month = subscribed(&mut client, Plan::months(1, "28.00"), "2025-02-01").await;
    client.run_billing().await;
    let draft = client.documents().await.remove(0);
    let gone = discard(&mut client, &draft.id, " eerste maand gratis ").await.unwrap();
    assert_eq!(
        (gone.state(), gone.reason.as_str()),
        (InvoiceState::Discarded, "eerste maand gratis")
    );
    assert_eq!(
        (gone.discarded_by.as_str(), gone.discard_time.is_some()),
        ("first admin key", true)
    );
    assert_eq!((gone.finalize_on, euro(&gone.amount_due)), (None, "0.00".into()));
    assert_eq!(gone.lines, draft.lines, "it is kept");
    assert_eq!(discard(&mut client, &draft.id, "nog eens").await.unwrap(), gone);
    let refused = refusal(finalize(&mut client, &draft.id).await);
    assert_eq!(refused.line(), "FailedPrecondition DRAFT_DISCARDED");
    let reason = "terug".to_owned();
    let credit =
        v1::CreditInvoiceRequest { invoice_id: draft.id.clone(), reason, ..Default::default() };
    let refused = refusal(client.invoices.credit_invoice(credit).await);
    assert_eq!(refused.line(), "FailedPrecondition DRAFT_DISCARDED");
    // Nothing was paid for the rest of February, so nothing is given back for it.
    client.advance("2025-02-15").await.unwrap();
    client.cancel_now(&month.id, true).await.unwrap();
    client.advance("2025-03-02").await.unwrap();
    assert_eq!(client.documents().await, [gone]);
    assert_eq!(told(&mut client).await, []);
    assert!(client.balances("2025-03-02").await.is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_period_after_a_discarded_one_is_billed() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    grace(&mut client, 3).await.unwrap();
    subscribed(&mut client, Plan::months(1, "28.00"), "2025-02-01").await;
    client.run_billing().await;
    let draft = client.documents().await.remove(0);
    discard(&mut client, &draft.id, "eerste maand gratis").await.unwrap();
    client.advance("2025-03-04").await.unwrap();
    assert_eq!(
        book(&client.documents().await)[1..],
        ["2025-00001 2025-03-04 28.00 + 5.88: base 2025-03-01..2025-04-01 28.00"]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_off_charge_stands_on_a_draft_is_billed_with_it_or_waived() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    grace(&mut client, 1).await.unwrap();
    let product = client.product("set-up", &Plan::months(1, "0")).await;
    let mut charges = Vec::new();
    for name in ["Ann", "Ben"] {
        let customer = client.customer(name).await;
        let charge = v1::NewCharge {
            product_id: product.id.clone(),
            quantity: decimal("2.5"),
            unit_price: decimal("79.99"),
            ..Default::default()
        };
        let request = v1::AddChargeRequest {
            customer_id: customer.id,
            charge: Some(charge),
            ..Default::default()
        };
        charges
            .push(client.invoices.add_charge(request).await.unwrap().into_inner().charge.unwrap());
    }
    client.run_billing().await;
    let of = |documents: &[v1::Invoice], charge: &v1::OneOffCharge| {
        let own = documents.iter().find(|one| one.lines[0].charge_id == charge.id);
        own.unwrap().id.clone()
    };
    let documents = client.documents().await;
    let drafts = [of(&documents, &charges[0]), of(&documents, &charges[1])];
    let states = async |client: &mut Client| {
        let request = v1::ListChargesRequest::default();
        let listed = client.invoices.list_charges(request).await.unwrap().into_inner().charges;
        [&charges[0], &charges[1]].map(|charge| {
            let one = listed.iter().find(|one| one.id == charge.id).unwrap();
            (one.state(), one.invoice_id.clone())
        })
    };
    let both = |one, other| [(one, drafts[0].clone()), (other, drafts[1].clone())];
    assert_eq!(states(&mut client).await, both(ChargeState::Drafted, ChargeState::Drafted));
    let remove = v1::RemoveChargeRequest { charge_id: charges[0].id.clone(), ..Default::default() };
    let refused = refusal(client.invoices.remove_charge(remove).await);
    assert_eq!(refused.line(), "FailedPrecondition CHARGE_BILLED");
    discard(&mut client, &drafts[1], "cadeau").await.unwrap();
    assert_eq!(states(&mut client).await, both(ChargeState::Drafted, ChargeState::Waived));
    client.advance("2025-02-02").await.unwrap();
    assert_eq!(states(&mut client).await, both(ChargeState::Billed, ChargeState::Waived));
    let documents = client.documents().await;
    assert_eq!(
        book(&documents)[1..],
        ["2025-00001 2025-02-02 199.98 + 42.00: set-up 2025-02-01..2025-02-02 199.98"]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_are_listed_printed_and_previewed_as_what_they_are() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let month = subscribed(&mut client, Plan::months(1, "30.00"), "2025-02-01").await;
    let request =
        v1::PreviewInvoiceRequest { customer_id: month.customer_id, on: Some(date("2025-03-01")) };
    let without = client.invoices.preview_invoice(request.clone()).await.unwrap().into_inner();
    grace(&mut client, 3).await.unwrap();
    let previewed = client.invoices.preview_invoice(request).await.unwrap().into_inner().invoices;
    assert_eq!(previewed, without.invoices, "the same amounts as without grace");
    client.run_billing().await;
    let draft = client.documents().await.remove(0);
    assert_eq!(book(&previewed)[..1], book(std::slice::from_ref(&draft)));
    for (language, title) in [(v1::Language::Nl, "Concept"), (v1::Language::En, "Draft")] {
        let html = page_of(&mut client, &draft.id, language).await;
        assert!(html.contains(&format!("<h1>{title}</h1>")), "{html}");
        for absent in ["Factuurnummer", "Invoice number", "Te betalen", "Payable", "overmaken"] {
            assert!(!html.contains(absent), "{absent} in\n{html}");
        }
    }
    discard(&mut client, &draft.id, "proef").await.unwrap();
    let html = page_of(&mut client, &draft.id, v1::Language::Nl).await;
    assert!(html.contains("<h1>Vervallen concept</h1>"), "{html}");
    client.advance("2025-03-05").await.unwrap();
    grace(&mut client, 30).await.unwrap();
    client.advance("2025-04-01").await.unwrap();
    let table = [
        (InvoiceState::Unspecified, 3),
        (InvoiceState::Draft, 1),
        (InvoiceState::Discarded, 1),
        (InvoiceState::Open, 1),
        (InvoiceState::Settled, 0),
    ];
    for (state, count) in table {
        let mut found = Vec::new();
        let mut request =
            v1::ListInvoicesRequest { state: state.into(), page_size: 1, ..Default::default() };
        loop {
            let page = client.invoices.list_invoices(request.clone()).await.unwrap().into_inner();
            found.extend(page.invoices);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found.len(), count, "{state:?}");
        assert!(found.iter().all(|one| state == InvoiceState::Unspecified || one.state() == state));
    }
    let request =
        v1::ListInvoicesRequest { issued_from: Some(date("2025-01-01")), ..Default::default() };
    let issued = client.invoices.list_invoices(request).await.unwrap().into_inner().invoices;
    assert_eq!(issued.len(), 1, "drafts are not issued");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_cannot_be_issued_is_set_aside_until_it_can() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    grace(&mut client, 3).await.unwrap();
    let customer = v1::Customer {
        address: Some(Client::address("BE")),
        vat_treatment: v1::VatTreatment::EuReverseCharge.into(),
        vat_number: "BE0123456789".into(),
        ..Client::business("Ann")
    };
    let customer = client.create_customer(customer).await.unwrap();
    // The Netherlands have no such rate, which nobody needs while the VAT is reverse charged.
    let category = v1::VatCategory::Intermediate;
    let plan = client.plan("odd", Plan { category, ..Plan::months(1, "30.00") }).await;
    client.subscribe(Client::terms(&customer, &plan, "2025-02-01")).await.unwrap();
    client.run_billing().await;
    let draft = client.documents().await.remove(0);
    let treatment = v1::VatTreatment::Domestic.into();
    let request = v1::UpdateCustomerRequest {
        customer: Some(v1::Customer { vat_treatment: treatment, ..customer }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["vat_treatment".into()] }),
        ..Default::default()
    };
    client.customers.update_customer(request).await.unwrap();
    let refused = refusal(finalize(&mut client, &draft.id).await);
    assert_eq!(refused.line(), "FailedPrecondition VAT_RATE_MISSING");
    client.advance("2025-02-05").await.unwrap();
    let request = v1::ListSetAsideRequest::default();
    let aside = client.work.list_set_aside(request).await.unwrap().into_inner().set_aside;
    assert_eq!((aside.len(), aside[0].reason.as_str()), (1, "VAT_RATE_MISSING"));
    assert_eq!(client.document(&draft.id).await.state(), InvoiceState::Draft);
    let request =
        v1::RetrySetAsideRequest { set_aside_id: aside[0].id.clone(), ..Default::default() };
    let tried = client.work.retry_set_aside(request).await.unwrap().into_inner();
    assert!(!tried.resolved, "nothing has been mended");
    let rate = v1::VatRate {
        country: "NL".into(),
        category: category.into(),
        rate: decimal("19"),
        valid_from: Some(date("2025-01-01")),
    };
    let request = v1::SetVatRateRequest { vat_rate: Some(rate), ..Default::default() };
    client.catalog.set_vat_rate(request).await.unwrap();
    client.run_billing().await;
    assert_eq!(
        book(&client.documents().await),
        ["2025-00001 2025-02-05 30.00 + 5.70: odd 2025-02-01..2025-03-01 30.00"]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_drafts_is_refused() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    for days in [-1, 31] {
        let refused = refusal(grace(&mut client, days).await);
        assert_eq!(refused.line(), "InvalidArgument organization.draft_grace_days", "{days}");
    }
    let made = v1::Organization {
        kind: v1::OrganizationKind::Sandbox.into(),
        legal_name: "Ander".into(),
        address: Some(Client::address("NL")),
        draft_grace_days: 31,
        ..Default::default()
    };
    let create = |organization| v1::CreateOrganizationRequest {
        organization: Some(organization),
        ..Default::default()
    };
    let refused = refusal(client.organizations.create_organization(create(made.clone())).await);
    assert_eq!(refused.line(), "InvalidArgument organization.draft_grace_days");
    let made = v1::Organization { draft_grace_days: 30, ..made };
    let answer = client.organizations.create_organization(create(made)).await.unwrap().into_inner();
    assert_eq!(answer.organization.unwrap().draft_grace_days, 30);
    grace(&mut client, 30).await.unwrap();
    subscribed(&mut client, Plan::months(1, "30.00"), "2025-02-01").await;
    client.run_billing().await;
    let draft = client.documents().await.remove(0);
    let unknown = uuid::Uuid::max().to_string();
    for (id, expected) in [("x", "InvalidArgument invoice_id"), (unknown.as_str(), "NotFound")] {
        assert_eq!(refusal(finalize(&mut client, id).await).line(), expected);
        assert_eq!(refusal(discard(&mut client, id, "weg").await).line(), expected);
    }
    for reason in [String::new(), " ".into(), "x".repeat(1_001)] {
        let refused = refusal(discard(&mut client, &draft.id, &reason).await);
        assert_eq!(refused.line(), "InvalidArgument reason");
    }
    let mut sales = client.with_roles(world.channel(), &[v1::Role::Sales]).await;
    assert_eq!(
        refusal(finalize(&mut sales, &draft.id).await).line(),
        "PermissionDenied ROLE_MISSING"
    );
    assert_eq!(
        refusal(discard(&mut sales, &draft.id, "weg").await).line(),
        "PermissionDenied ROLE_MISSING"
    );
    assert_eq!(client.documents().await, [draft]);
    world.finish().await;
}
