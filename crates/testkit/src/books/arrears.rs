//! What missing money does: the stored state of every customer is what its open invoices make it,
//! and its subscriptions follow. A customer's scheme is that of its active payment method.

use app::Ctx;
use domain::id::{CustomerId, OrgId};
use tokio_postgres::Client;
use uuid::Uuid;

/// Subscriptions that do not stand where their customers do; `ORG` is the organization.
const FINDINGS: &str = "
    SELECT concat_ws(' ', 'subscription', s.id, s.state, 'suspended from', s.suspended_from,
        'of a customer that is', coalesce(a.degree, 'clear'))
    FROM subscriptions s
    LEFT JOIN arrears a ON a.org_id = ORG AND a.customer_id = s.customer_id
    WHERE s.org_id = ORG AND s.state <> 'cancelled' AND (s.suspended_from IS NOT NULL)
        <> coalesce(a.degree IN ('suspended', 'cancelled'), false)
    UNION ALL
    SELECT concat_ws(' ', 'customer', c.id, 'in arrears:', c.in_arrears)
    FROM customers c WHERE c.org_id = ORG
        AND c.in_arrears <> EXISTS (SELECT FROM arrears a WHERE a.org_id = ORG AND a.customer_id = c.id)
    UNION ALL
    SELECT concat_ws(' ', 'customer', c.id, 'pays by', coalesce(c.scheme, 'nothing'), 'and has', m.scheme)
    FROM customers c
    LEFT JOIN payment_methods m ON m.org_id = ORG AND m.customer_id = c.id AND m.state = 'active'
    WHERE c.org_id = ORG AND c.scheme IS DISTINCT FROM m.scheme";

/// Looks at all customers of an organization.
pub(super) async fn check(sql: &Client, ctx: &Ctx, org: OrgId, findings: &mut Vec<String>) {
    let question = FINDINGS.replace("ORG", &format!("'{org}'"));
    let rows = sql.query(&question, &[]).await.expect("where subscriptions stand");
    findings.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    let owing = "SELECT customer_id::text FROM collections WHERE org_id = ORG \
                 UNION SELECT customer_id::text FROM arrears WHERE org_id = ORG";
    let owing = owing.replace("ORG", &format!("'{org}'"));
    let rows = sql.query(&owing, &[]).await.expect("who owes, and owed");
    let id = |row: &tokio_postgres::Row| row.get::<_, &str>(0).parse::<Uuid>().expect("an id");
    let customers: Vec<CustomerId> = rows.iter().map(|row| CustomerId(id(row))).collect();
    let mut scope = ctx.scope(org).await.expect("a transaction");
    let wrong = app::arrears::differences(&mut scope, &customers).await.expect("an answer");
    findings.extend(wrong);
}
