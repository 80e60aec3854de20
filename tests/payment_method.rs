//! How customers pay: set, replaced, ended; and that account numbers and tokens are nowhere to be
//! read.

use server::pb::v1::{self, PaymentMethodState, Scheme, set_payment_method_request::Details};
use testkit::Database;

use crate::world::{Client, World, date, refusal};

const IBAN: &str = "NL20INGB0001234567";
const OTHER_IBAN: &str = "BE68539007547034";
const TOKEN: &str = "tok_7f3a91c2d4";

fn mandate(iban: &str) -> v1::DirectDebitDetails {
    v1::DirectDebitDetails {
        iban: iban.into(),
        holder: "A. de Vries".into(),
        mandate_reference: String::new(),
        signed_on: Some(date("2025-01-15")),
    }
}

fn card(token: &str) -> v1::CardDetails {
    v1::CardDetails {
        token: token.into(),
        brand: "visa".into(),
        last_four: "4242".into(),
        expires: Some(v1::CardExpiry { year: 2027, month: 3 }),
        holder: String::new(),
    }
}

fn request(customer: &v1::Customer, details: Details) -> v1::SetPaymentMethodRequest {
    v1::SetPaymentMethodRequest {
        customer_id: customer.id.clone(),
        details: Some(details),
        ..Default::default()
    }
}

async fn set(
    client: &mut Client,
    request: v1::SetPaymentMethodRequest,
) -> Result<v1::PaymentMethod, tonic::Status> {
    let answer = client.customers.set_payment_method(request).await?.into_inner();
    Ok(answer.payment_method.unwrap())
}

async fn methods(client: &mut Client, customer: &v1::Customer) -> Vec<v1::PaymentMethod> {
    let customer_id = customer.id.clone();
    let request = v1::ListPaymentMethodsRequest { customer_id, ..Default::default() };
    client.customers.list_payment_methods(request).await.unwrap().into_inner().payment_methods
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_takes_the_place_of_the_one_before_and_the_same_details_change_nothing() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    assert_eq!(methods(&mut client, &ann).await, []);
    let debit = request(&ann, Details::DirectDebit(mandate("nl20 ingb 0001 2345 67")));
    let first = set(&mut client, debit.clone()).await.unwrap();
    let shown = first.mandate.clone().unwrap();
    assert_eq!(shown.masked_iban, "NL** **** **** **45 67");
    assert_eq!((shown.reference.len(), &shown.reference[..3]), (35, "RC-"));
    assert_eq!((first.scheme(), first.set_on), (Scheme::DirectDebit, Some(date("2025-02-01"))));
    // The same account, written differently.
    let again = request(&ann, Details::DirectDebit(mandate(IBAN)));
    assert_eq!(set(&mut client, again).await.unwrap(), first);

    let paid_by_card = set(&mut client, request(&ann, Details::Card(card(TOKEN)))).await.unwrap();
    assert_eq!(paid_by_card.card.clone().unwrap().last_four, "4242");
    let same = set(&mut client, request(&ann, Details::Card(card(TOKEN)))).await.unwrap();
    assert_eq!(same, paid_by_card);
    let other = set(&mut client, request(&ann, Details::Card(card("tok_other")))).await.unwrap();
    assert_ne!(other.id, paid_by_card.id);
    let transfer = Details::BankTransfer(v1::BankTransferDetails {});
    let transfer = set(&mut client, request(&ann, transfer)).await.unwrap();
    let all = methods(&mut client, &ann).await;
    let mut states: Vec<_> = all.iter().map(|it| (it.scheme(), it.state())).collect();
    states.sort();
    assert_eq!(
        states,
        [
            (Scheme::DirectDebit, PaymentMethodState::Replaced),
            (Scheme::Card, PaymentMethodState::Replaced),
            (Scheme::Card, PaymentMethodState::Replaced),
            (Scheme::BankTransfer, PaymentMethodState::Active),
        ]
    );
    let active = v1::ListPaymentMethodsRequest {
        state: PaymentMethodState::Active.into(),
        ..Default::default()
    };
    let active = client.customers.list_payment_methods(active).await.unwrap().into_inner();
    assert_eq!(active.payment_methods, [transfer]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_mandate_ends_once_and_its_reference_is_not_used_again() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let (ann, ben) = (client.customer("Ann").await, client.customer("Ben").await);
    let named = |reference: &str| {
        let mandate_reference = reference.to_owned();
        Details::DirectDebit(v1::DirectDebitDetails { mandate_reference, ..mandate(IBAN) })
    };
    let method = set(&mut client, request(&ann, named("M-1"))).await.unwrap();
    let end = |reason: &str| v1::EndPaymentMethodRequest {
        payment_method_id: method.id.clone(),
        reason: reason.into(),
        ..Default::default()
    };
    let refused = refusal(client.customers.end_payment_method(end(" ")).await);
    assert_eq!(refused.line(), "InvalidArgument reason");
    let ended = client.customers.end_payment_method(end("MD01")).await.unwrap().into_inner();
    let ended = ended.payment_method.unwrap();
    assert_eq!((ended.state(), ended.end_reason.as_str()), (PaymentMethodState::Ended, "MD01"));
    assert_eq!(ended.ended_on, Some(date("2025-02-01")));
    let again = client.customers.end_payment_method(end("again")).await.unwrap().into_inner();
    assert_eq!(again.payment_method, Some(ended));
    for (customer, reference) in [(&ann, "M-1"), (&ben, "m-1")] {
        let refused = refusal(set(&mut client, request(customer, named(reference))).await);
        assert_eq!(refused.line(), "AlreadyExists MANDATE_REFERENCE_TAKEN", "{reference}");
    }
    set(&mut client, request(&ann, named("M-2"))).await.unwrap();
    let taken = v1::SetPaymentMethodRequest {
        payment_method_id: method.id.clone(),
        ..request(&ben, named("M-3"))
    };
    assert_eq!(refusal(set(&mut client, taken).await).line(), "AlreadyExists ID_TAKEN");
    let nowhere = v1::EndPaymentMethodRequest {
        payment_method_id: uuid::Uuid::max().to_string(),
        ..end("x")
    };
    let refused = refusal(client.customers.end_payment_method(nowhere).await);
    assert_eq!(refused.line(), "NotFound");
    world.finish().await;
}

/// Details of which each is wrong, and the field that is named.
fn wrong() -> Vec<(Details, &'static str)> {
    let debit = |change: &dyn Fn(&mut v1::DirectDebitDetails)| {
        let mut given = mandate(IBAN);
        change(&mut given);
        Details::DirectDebit(given)
    };
    let by_card = |change: &dyn Fn(&mut v1::CardDetails)| {
        let mut given = card(TOKEN);
        change(&mut given);
        Details::Card(given)
    };
    let month = |year, month| Some(v1::CardExpiry { year, month });
    vec![
        (debit(&|it| it.iban = "NL21INGB0001234567".into()), "direct_debit.iban"),
        (debit(&|it| it.iban = "SA0380000000608010167519".into()), "direct_debit.iban"),
        (debit(&|it| it.iban = String::new()), "direct_debit.iban"),
        (debit(&|it| it.holder = " ".into()), "direct_debit.holder"),
        (debit(&|it| it.mandate_reference = IBAN.into()), "direct_debit.mandate_reference"),
        (debit(&|it| it.mandate_reference = "M 1".into()), "direct_debit.mandate_reference"),
        (debit(&|it| it.signed_on = None), "direct_debit.signed_on"),
        (debit(&|it| it.signed_on = Some(date("2025-02-02"))), "direct_debit.signed_on"),
        (by_card(&|it| it.token = "4242424242424242".into()), "card.token"),
        (by_card(&|it| it.token = format!("{TOKEN} {TOKEN}")), "card.token"),
        (by_card(&|it| it.brand = String::new()), "card.brand"),
        (by_card(&|it| it.last_four = "4242424242424242".into()), "card.last_four"),
        (by_card(&|it| it.expires = None), "card.expires"),
        (by_card(&|it| it.expires = month(2025, 13)), "card.expires"),
        (by_card(&|it| it.expires = month(2025, -1)), "card.expires.month"),
        (by_card(&|it| it.expires = month(2025, 1)), "card.expires"),
    ]
}

/// What must be nowhere.
const SECRETS: [&str; 8] = [
    IBAN,
    "nl20 ingb 0001 2345 67",
    "0001234567",
    "NL21INGB0001234567",
    "SA0380000000608010167519",
    TOKEN,
    "4242424242424242",
    OTHER_IBAN,
];

fn assert_secret(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_and_no_account_or_token_is_repeated_or_stored() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let (ann, ben) = (client.customer("Ann").await, client.customer("Ben").await);
    for (details, field) in wrong() {
        let given = request(&ann, details);
        assert_secret(
            &format!("{given:?}")
                .replace("last_four: \"4242424242424242\"", "")
                .replace(&format!("mandate_reference: {IBAN:?}"), ""),
        );
        let status = set(&mut client, given).await.unwrap_err();
        assert_secret(&format!("{status:?} {}", String::from_utf8_lossy(status.details())));
        let refused = refusal(Err::<(), _>(status));
        assert_eq!(refused.line(), format!("InvalidArgument {field}"));
    }
    let nothing = v1::SetPaymentMethodRequest { customer_id: ann.id.clone(), ..Default::default() };
    assert_eq!(refusal(set(&mut client, nothing).await).line(), "InvalidArgument details");
    assert_eq!(methods(&mut client, &ann).await, []);

    // Once with and once without an id for the call, whose answer is stored.
    let request_id = domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string();
    let keyed = v1::SetPaymentMethodRequest {
        request_id,
        ..request(&ann, Details::DirectDebit(mandate(IBAN)))
    };
    let first = set(&mut client, keyed.clone()).await.unwrap();
    assert_eq!(set(&mut client, keyed.clone()).await.unwrap(), first);
    let reused = v1::SetPaymentMethodRequest {
        details: Some(Details::DirectDebit(mandate(OTHER_IBAN))),
        ..keyed
    };
    assert_eq!(refusal(set(&mut client, reused).await).line(), "AlreadyExists REQUEST_ID_REUSED");
    set(&mut client, request(&ann, Details::DirectDebit(mandate(OTHER_IBAN)))).await.unwrap();
    set(&mut client, request(&ben, Details::Card(card(TOKEN)))).await.unwrap();
    assert_secret(&format!("{:?}", methods(&mut client, &ann).await));
    assert_eq!(everything_holds(&world.database, "A. de Vries").await, ["payment_methods"]);
    for secret in SECRETS {
        let found = everything_holds(&world.database, secret).await;
        assert!(found.is_empty(), "{secret} stands in {found:?}");
    }
    world.finish().await;
}

/// The tables of which a row holds a text, as text or as bytes.
async fn everything_holds(database: &Database, text: &str) -> Vec<String> {
    let sql = database.sql().await;
    let tables = "SELECT relname::text FROM pg_class \
                  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname";
    let mut found = Vec::new();
    for row in sql.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let question = format!(
            "SELECT count(*) FROM {table} t WHERE position($1 IN t::text) > 0 \
             OR position(encode(convert_to($1, 'UTF8'), 'hex') IN t::text) > 0"
        );
        let rows: i64 = sql.query_one(&question, &[&text]).await.unwrap().get(0);
        // A stored answer holds what was answered: names, and accounts masked.
        if rows > 0 && !(table == "answered_requests" && text == "A. de Vries") {
            found.push(table);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_of_another_organization_do_not_exist_and_cannot_be_compared() {
    let world = World::new().await;
    let mut one = world.sandbox("2025-02-01").await;
    let mut other = world.sandbox("2025-02-01").await;
    let ann = one.customer("Ann").await;
    let details = || {
        let mandate_reference = "M-1".to_owned();
        Details::DirectDebit(v1::DirectDebitDetails { mandate_reference, ..mandate(IBAN) })
    };
    let method = set(&mut one, request(&ann, details())).await.unwrap();
    assert_eq!(refusal(set(&mut other, request(&ann, details())).await).line(), "NotFound");
    let end = v1::EndPaymentMethodRequest {
        payment_method_id: method.id.clone(),
        reason: "x".into(),
        ..Default::default()
    };
    assert_eq!(refusal(other.customers.end_payment_method(end).await).line(), "NotFound");
    let customer_id = ann.id.clone();
    let list = v1::ListPaymentMethodsRequest { customer_id, ..Default::default() };
    assert_eq!(refusal(other.customers.list_payment_methods(list).await).line(), "NotFound");
    let all = other.customers.list_payment_methods(v1::ListPaymentMethodsRequest::default());
    assert_eq!(all.await.unwrap().into_inner().payment_methods, []);

    // The same id, reference and account are free there; what is sealed differs.
    let dora = other.customer("Dora").await;
    let same = v1::SetPaymentMethodRequest {
        payment_method_id: method.id.clone(),
        ..request(&dora, details())
    };
    set(&mut other, same).await.unwrap();
    let sql = world.database.sql().await;
    let differ = "SELECT count(DISTINCT fingerprint) = 2 FROM payment_methods";
    assert!(sql.query_one(differ, &[]).await.unwrap().get::<_, bool>(0));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn collecting_reads_the_active_methods_at_once_and_a_moved_number_does_not_open() {
    use secrecy::ExposeSecret as _;
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let (ann, ben) = (client.customer("Ann").await, client.customer("Ben").await);
    let cor = client.customer("Cor").await;
    for customer in [&ann, &ben] {
        set(&mut client, request(customer, Details::DirectDebit(mandate(IBAN)))).await.unwrap();
    }
    let ids = [&ann, &ben, &cor].map(|one| one.id.parse().unwrap());
    let mut scope = world.ctx.scope(client.org).await.unwrap();
    let active = app::payment_method::active(&mut scope, &ids).await.unwrap();
    assert_eq!(active.len(), 2);
    for kept in &active {
        let revealed = app::payment_method::reveal(&world.ctx.seal, client.org, kept).unwrap();
        assert_eq!(revealed.unwrap().expose_secret(), IBAN);
    }
    let same = app::payment_method::customers_with_same(&mut scope, &active[0]).await.unwrap();
    assert_eq!(same.len(), 2);
    drop(scope);

    // Somebody with the database puts the sealed bytes of one row into another.
    let sql = world.database.sql().await;
    sql.batch_execute(
        "UPDATE payment_methods SET sealed = (SELECT sealed FROM payment_methods ORDER BY id LIMIT 1)",
    )
    .await
    .unwrap();
    let mut scope = world.ctx.scope(client.org).await.unwrap();
    let active = app::payment_method::active(&mut scope, &ids).await.unwrap();
    let opened = active.iter().map(|kept| {
        app::payment_method::reveal(&world.ctx.seal, client.org, kept).map_err(|it| it.chain())
    });
    let refused: Vec<String> = opened.filter_map(Result::err).collect();
    assert_eq!(refused.len(), 1);
    assert_secret(&refused[0]);
    drop(scope);
    // Nor can the details be changed, not even by the owner of the table.
    let forged = sql.execute("UPDATE payment_methods SET holder = 'x'", &[]).await;
    assert!(forged.is_err());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_with_another_key_is_refused_until_it_also_has_the_old_one() {
    use app::seal::{EnrollRefused, Seal, enroll};
    let database = Database::fresh().await;
    let store = database.store();
    let key = |digit: &str| secrecy::SecretString::from(digit.repeat(64));
    let first = Seal::new(&key("a"), &[]).unwrap();
    let second = Seal::new(&key("b"), &[]).unwrap();
    for _ in 0..2 {
        enroll(&store, &first).await.unwrap();
    }
    let refused = enroll(&store, &second).await.unwrap_err();
    assert!(matches!(refused, EnrollRefused::OtherKey { .. }), "{refused}");
    let both = Seal::new(&key("b"), &[key("a")]).unwrap();
    for _ in 0..2 {
        enroll(&store, &both).await.unwrap();
    }
    enroll(&store, &second).await.unwrap();
    assert!(enroll(&store, &first).await.is_err());
    // And back.
    enroll(&store, &Seal::new(&key("a"), &[key("b")]).unwrap()).await.unwrap();
    enroll(&store, &first).await.unwrap();
}
