//! Keys and roles: who may call, and what is answered to everybody else.

use chrono::Duration;
use prost_types::Timestamp;
use server::pb::v1::{self, Role};
use server::permission::{Access, TABLE};
use tonic::{Code, Request};

use crate::world::{Client, World, refusal};

async fn is_let_in(client: &mut Client) -> String {
    let request = v1::GetOrganizationRequest {};
    match client.organizations.get_organization(request).await {
        Ok(_) => "let in".to_owned(),
        Err(status) => refusal(Err::<(), _>(status)).line(),
    }
}

async fn create_key(
    client: &mut Client,
    name: &str,
    roles: &[Role],
    expire_time: Option<Timestamp>,
) -> Result<v1::CreateApiKeyResponse, tonic::Status> {
    let request = v1::CreateApiKeyRequest {
        name: name.to_owned(),
        roles: roles.iter().map(|role| (*role).into()).collect(),
        expire_time,
        ..Default::default()
    };
    Ok(client.organizations.create_api_key(request).await?.into_inner())
}

/// An instant so many seconds after the world's beginning.
fn after(seconds: i64) -> Option<Timestamp> {
    let begin: chrono::DateTime<chrono::Utc> = crate::world::NOW.parse().unwrap();
    Some(Timestamp { seconds: begin.timestamp() + seconds, nanos: 0 })
}

async fn revoke(client: &mut Client, id: &str) -> Result<v1::ApiKey, tonic::Status> {
    let request = v1::RevokeApiKeyRequest { api_key_id: id.to_owned(), ..Default::default() };
    Ok(client.organizations.revoke_api_key(request).await?.into_inner().api_key.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_live_key_nobody_is_let_in() {
    let world = World::new().await;
    let mut admin = world.sandbox("2025-02-01").await;
    assert_eq!(is_let_in(&mut world.client("")).await, "Unauthenticated KEY_MISSING");
    let other = world.sandbox("2025-02-01").await;
    let mut broken = admin.key.clone();
    let flipped = if broken.ends_with('A') { 'B' } else { 'A' };
    broken.replace_range(broken.len() - 2..broken.len() - 1, &flipped.to_string());
    let half = &admin.key[..admin.key.len() / 2];
    let mixed = format!("{half}{}", &other.key[half.len()..]);
    for key in ["x", "recoup_", "recoup_AAAA", half, &broken, &mixed] {
        assert_eq!(
            is_let_in(&mut world.client(key)).await,
            "Unauthenticated KEY_NOT_VALID",
            "{key}"
        );
    }
    assert_eq!(is_let_in(&mut admin).await, "let in");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_at_its_time_or_when_it_is_revoked() {
    let world = World::new().await;
    let mut admin = world.sandbox("2025-02-01").await;
    let short = create_key(&mut admin, "short", &[Role::Viewer], after(60)).await.unwrap();
    let long = create_key(&mut admin, "long", &[Role::Viewer], None).await.unwrap();
    let mut with_short = world.client(&short.secret);
    let mut with_long = world.client(&long.secret);
    assert_eq!(is_let_in(&mut with_short).await, "let in");
    // Keys live by the wall clock, also in a sandbox.
    admin.advance("2025-06-01").await.unwrap();
    assert_eq!(is_let_in(&mut with_short).await, "let in");
    world.clock.advance(Duration::seconds(60));
    assert_eq!(is_let_in(&mut with_short).await, "Unauthenticated KEY_NOT_VALID");

    let key = long.api_key.unwrap();
    assert_eq!(key.expire_time, after(365 * 86_400), "a year unless said otherwise");
    let revoked = revoke(&mut admin, &key.id).await.unwrap();
    assert_eq!(revoked.revoke_time, after(60));
    assert_eq!(is_let_in(&mut with_long).await, "Unauthenticated KEY_NOT_VALID");
    world.clock.advance(Duration::seconds(60));
    assert_eq!(revoke(&mut admin, &key.id).await.unwrap(), revoked, "again: nothing changes");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_with_two_live_at_a_time() {
    let world = World::new().await;
    let mut admin = world.sandbox("2025-02-01").await;
    let first = create_key(&mut admin, "erp", &[Role::Sales, Role::Sales], None).await.unwrap();
    let second = create_key(&mut admin, "erp", &[Role::Sales], None).await.unwrap();
    assert_ne!(first.secret, second.secret);
    assert_eq!(first.api_key.as_ref().unwrap().roles, [i32::from(Role::Sales)]);
    let refused = refusal(create_key(&mut admin, "erp", &[Role::Sales], None).await);
    assert_eq!(refused.line(), "FailedPrecondition TOO_MANY_LIVE_KEYS");
    assert_eq!(refused.facts["name"], "erp");
    revoke(&mut admin, &first.api_key.unwrap().id).await.unwrap();
    create_key(&mut admin, "erp", &[Role::Sales], None).await.unwrap();

    let request = v1::ListApiKeysRequest::default();
    let listed = admin.organizations.list_api_keys(request).await.unwrap().into_inner().api_keys;
    let mut names: Vec<(&str, bool)> =
        listed.iter().map(|key| (key.name.as_str(), key.revoke_time.is_some())).collect();
    names.sort_unstable();
    let expected = [("erp", false), ("erp", false), ("erp", true), ("first admin key", false)];
    assert_eq!(names, expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_key_cannot_be_revoked() {
    let world = World::new().await;
    let mut admin = world.sandbox("2025-02-01").await;
    let request = v1::ListApiKeysRequest::default();
    let listed = admin.organizations.list_api_keys(request).await.unwrap().into_inner().api_keys;
    let own = &listed[0].id;
    let refused = refusal(revoke(&mut admin, own).await);
    assert_eq!(refused.line(), "FailedPrecondition LAST_ADMIN_KEY");
    let second = create_key(&mut admin, "second", &[Role::Admin], None).await.unwrap();
    revoke(&mut admin, own).await.unwrap();
    assert_eq!(is_let_in(&mut admin).await, "Unauthenticated KEY_NOT_VALID");
    assert_eq!(is_let_in(&mut world.client(&second.secret)).await, "let in");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_a_key_that_is_wrong_is_named() {
    let world = World::new().await;
    let mut admin = world.sandbox("2025-02-01").await;
    let two_years = 731 * 86_400;
    let table: [(&str, &[Role], Option<Timestamp>, &str); 7] = [
        ("", &[Role::Admin], None, "name"),
        ("x", &[], None, "roles"),
        ("x", &[Role::Viewer, Role::Unspecified], None, "roles[1]"),
        ("x", &[Role::Admin], after(0), "expire_time"),
        ("x", &[Role::Admin], after(-1), "expire_time"),
        ("x", &[Role::Admin], after(two_years + 1), "expire_time"),
        ("x", &[Role::Admin], Some(Timestamp { seconds: 1, nanos: -1 }), "expire_time"),
    ];
    for (name, roles, expire_time, field) in table {
        let refused = refusal(create_key(&mut admin, name, roles, expire_time).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"), "{roles:?} {expire_time:?}");
    }
    create_key(&mut admin, "x", &[Role::Admin], after(two_years)).await.unwrap();
    for (id, expected) in
        [("x", "InvalidArgument api_key_id"), (&*uuid::Uuid::max().to_string(), "NotFound")]
    {
        assert_eq!(refusal(revoke(&mut admin, id).await).line(), expected);
    }
    world.finish().await;
}

/// What a call with an empty message is answered, whatever the method.
async fn call(world: &World, key: &str, method: &str) -> tonic::Status {
    let mut grpc = tonic::client::Grpc::new(world.channel());
    grpc.ready().await.unwrap();
    let mut request = Request::new(());
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    let path = format!("/{method}").parse().unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    match grpc.server_streaming(request, path, codec).await {
        Ok(answer) => answer.into_inner().message().await.err().unwrap_or(tonic::Status::ok("")),
        Err(status) => status,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_is_refused_to_every_role_that_is_not_listed() {
    let world = World::new().await;
    let mut admin = world.sandbox("2025-02-01").await;
    let roles = [Role::Viewer, Role::Sales, Role::Support, Role::Finance, Role::Worker];
    for role in roles {
        let client = admin.with_roles(world.channel(), &[role]).await;
        let name = role.as_str_name().trim_start_matches("ROLE_").to_lowercase();
        for entry in TABLE {
            let Access::Roles(allowed) = entry.access else { continue };
            let is_allowed = allowed.iter().any(|allowed| allowed.as_str() == name);
            let status = call(&world, &client.key, entry.method).await;
            let is_refused = status.code() == Code::PermissionDenied;
            assert_eq!(is_refused, !is_allowed, "{name} {}: {status:?}", entry.method);
            if is_refused {
                let refused = refusal(Err::<(), _>(status));
                assert_eq!(refused.line(), "PermissionDenied ROLE_MISSING");
                assert_eq!(refused.facts["roles"], name);
            }
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_is_not_listed_is_not_served() {
    let world = World::new().await;
    let admin = world.sandbox("2025-02-01").await;
    for method in ["recoup.v1.CustomerService/DeleteCustomer", "recoup.v1.Nothing/Get"] {
        let status = call(&world, &admin.key, method).await;
        assert_eq!(status.code(), Code::Unimplemented, "{method}: {status:?}");
        let status = call(&world, "", method).await;
        assert_eq!(status.code(), Code::Unauthenticated, "{method}: {status:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_kept_nowhere() {
    let world = World::new().await;
    let mut admin = world.sandbox("2025-02-01").await;
    let made = create_key(&mut admin, "erp", &[Role::Sales], None).await.unwrap();
    let sql = world.database.sql().await;
    let tables = "SELECT format('SELECT coalesce(string_agg(t::text, '' ''), '''') FROM %I t', \
                  tablename) FROM pg_tables WHERE schemaname = 'public'";
    for table in sql.query(tables, &[]).await.unwrap() {
        let query: String = table.get(0);
        let contents: String = sql.query_one(&query, &[]).await.unwrap().get(0);
        for secret in [&made.secret, &admin.key] {
            assert!(!contents.contains(secret.as_str()), "{query}");
        }
    }
    world.finish().await;
}
