//! `OrganizationService`: the vendor's own facts, and the keys by which it is reached.
//!
//! Deliberately absent: the checks of names, addresses and numbers (`app::organization`).

use app::Ctx;
use app::organization::{self, CreateOrganization, Facts};
use domain::ledger::Account;
use domain::money::Money;
use domain::organization::Organization;
use futures::FutureExt;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At, Refused};
use crate::mask::{self, Change};
use crate::pb::v1::organization_service_server::OrganizationService;
use crate::pb::{google::r#type as google, v1};
use crate::{api_key, wire};

/// The fields that UpdateOrganization changes.
const CHANGEABLE: [&str; 18] = [
    "legal_name",
    "registration_number",
    "address",
    "vat_number",
    "iban",
    "email",
    "language",
    "small_business",
    "issue_zero_invoices",
    "invoice_prefix",
    "credit_note_prefix",
    "number_pattern",
    "default_payment_terms_days",
    "draft_grace_days",
    "payout_day",
    "minimum_payout",
    "pre_notification_days",
    "account_codes",
];

/// The service.
#[derive(Debug)]
pub(crate) struct Organizations {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl OrganizationService for Organizations {
    async fn create_organization(
        &self,
        request: Request<v1::CreateOrganizationRequest>,
    ) -> Answer<v1::CreateOrganizationResponse> {
        let (call, message) = call::open_once(request)?;
        let mut command = create_command(message)?;
        // The organization is made in a transaction of its own, before the answer is recorded. With
        // an id that a repeat has too, a crash in between cannot lead to a second organization.
        command.id = command.id.or(call.key.as_ref().map(|key| domain::id::OrgId(key.id)));
        let work = async {
            let (organization, secret) = organization::create(&self.ctx, command).await?;
            Ok(v1::CreateOrganizationResponse {
                organization: Some(organization.into()),
                secret: secret.reveal().to_owned(),
            })
        };
        let without_secret = |answer: &v1::CreateOrganizationResponse| {
            let organization = answer.organization.clone();
            let kept = v1::CreateOrganizationResponse { organization, secret: String::new() };
            prost::Message::encode_to_vec(&kept)
        };
        call.steps(&self.ctx, without_secret, work).await
    }

    async fn get_organization(
        &self,
        request: Request<v1::GetOrganizationRequest>,
    ) -> Answer<v1::GetOrganizationResponse> {
        let (call, _) = call::open(request)?;
        call.read(&self.ctx, |scope| {
            let organization = Some(scope.organization.clone().into());
            async { Ok(v1::GetOrganizationResponse { organization }) }.boxed()
        })
        .await
    }

    async fn update_organization(
        &self,
        request: Request<v1::UpdateOrganizationRequest>,
    ) -> Answer<v1::UpdateOrganizationResponse> {
        let (call, message) = call::open_once(request)?;
        let new = field::required(message.organization).at("organization")?;
        if !new.id.is_empty() && new.id != call.caller.org.to_string() {
            let refused = "not the caller's organization: expected its id, or nothing";
            return Err(Refused::new(refused).below("id").below("organization").into());
        }
        let read = |name: &str| change(&new, name);
        let changes = mask::changes(message.update_mask, "organization", &CHANGEABLE, read)?;
        call.write(&self.ctx, |scope| {
            async move {
                let changed = |mut facts: Facts| {
                    changes.into_iter().for_each(|change| change(&mut facts));
                    facts
                };
                let organization = organization::update(scope, changed).await?;
                Ok(v1::UpdateOrganizationResponse { organization: Some(organization.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn create_api_key(
        &self,
        request: Request<v1::CreateApiKeyRequest>,
    ) -> Answer<v1::CreateApiKeyResponse> {
        let (call, message) = call::open_once(request)?;
        let command = api_key::create_command(message)?;
        let wall = self.ctx.clock.now();
        let without_secret = |answer: &v1::CreateApiKeyResponse| {
            let api_key = answer.api_key.clone();
            let kept = v1::CreateApiKeyResponse { api_key, secret: String::new() };
            prost::Message::encode_to_vec(&kept)
        };
        call.write_without(&self.ctx, without_secret, |scope| {
            async move {
                let (key, secret) = app::access::create(scope, wall, command).await?;
                let secret = secret.reveal().to_owned();
                Ok(v1::CreateApiKeyResponse { api_key: Some(key.into()), secret })
            }
            .boxed()
        })
        .await
    }

    async fn list_api_keys(
        &self,
        request: Request<v1::ListApiKeysRequest>,
    ) -> Answer<v1::ListApiKeysResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        call.read(&self.ctx, |scope| {
            async move {
                let found = app::access::list(scope, &page).await?;
                let api_keys = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListApiKeysResponse { api_keys, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn revoke_api_key(
        &self,
        request: Request<v1::RevokeApiKeyRequest>,
    ) -> Answer<v1::RevokeApiKeyResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.api_key_id).at("api_key_id")?;
        let wall = self.ctx.clock.now();
        call.write(&self.ctx, |scope| {
            async move {
                let key = app::access::revoke(scope, wall, id).await?;
                Ok(v1::RevokeApiKeyResponse { api_key: Some(key.into()) })
            }
            .boxed()
        })
        .await
    }
}

fn create_command(message: v1::CreateOrganizationRequest) -> field::Result<CreateOrganization> {
    let id = field::parse_filled(&message.organization_id).at("organization_id")?;
    let clock_starts_on = field::day_if_any(message.clock_starts_on).at("clock_starts_on")?;
    let new = field::required(message.organization).at("organization")?;
    let read = || {
        Ok(CreateOrganization {
            id,
            kind: field::one_of::<v1::OrganizationKind>(new.kind).at("kind")?,
            default_currency: field::parse_filled(&new.default_currency).at("default_currency")?,
            time_zone: field::text_if_any(new.time_zone.clone()),
            clock_starts_on,
            facts: facts(new)?,
        })
    };
    read().at("organization")
}

/// The facts of a new organization; what is not given is as usual.
fn facts(new: v1::Organization) -> field::Result<Facts> {
    let address = field::required(new.address).at("address")?;
    let usual = Facts::named(new.legal_name, address.into());
    let language = field::one_of_if_any::<v1::Language>(new.language).at("language")?;
    let terms = new.default_payment_terms_days.map(field::count).transpose();
    let notice = new.pre_notification_days.map(field::count).transpose();
    let or_usual = |text: String, usual| field::text_if_any(text).unwrap_or(usual);
    Ok(Facts {
        registration_number: field::text_if_any(new.registration_number),
        vat_number: field::text_if_any(new.vat_number),
        iban: field::text_if_any(new.iban),
        email: field::text_if_any(new.email),
        language: language.unwrap_or(usual.language),
        small_business: new.small_business,
        issue_zero_invoices: new.issue_zero_invoices,
        invoice_prefix: or_usual(new.invoice_prefix, usual.invoice_prefix),
        credit_note_prefix: or_usual(new.credit_note_prefix, usual.credit_note_prefix),
        number_pattern: or_usual(new.number_pattern, usual.number_pattern),
        payment_terms_days: terms
            .at("default_payment_terms_days")?
            .unwrap_or(usual.payment_terms_days),
        draft_grace_days: field::count(new.draft_grace_days).at("draft_grace_days")?,
        payout_day: match field::count(new.payout_day).at("payout_day")? {
            0 => usual.payout_day,
            day => day,
        },
        minimum_payout: minimum_payout(new.minimum_payout.as_ref()).at("minimum_payout")?,
        pre_notification_days: notice
            .at("pre_notification_days")?
            .unwrap_or(usual.pre_notification_days),
        account_codes: account_codes(&new.account_codes).at("account_codes")?,
        legal_name: usual.legal_name,
        address: usual.address,
    })
}

/// An amount, if one is given.
fn minimum_payout(given: Option<&google::Money>) -> field::Result<Option<Money>> {
    given.map(field::money).transpose()
}

/// Own codes of accounts, by their default codes.
fn account_codes(codes: &[v1::AccountCode]) -> field::Result<Vec<(Account, String)>> {
    let read = |(at, one): (usize, &v1::AccountCode)| {
        let account = field::parse(&one.account).at("account").at_index(at)?;
        Ok((account, one.code.clone()))
    };
    codes.iter().enumerate().map(read).collect()
}

/// The change to the field of this name, if it can be changed.
fn change(new: &v1::Organization, name: &str) -> field::Result<Option<Change<Facts>>> {
    let given = |text: &str| field::text_if_any(text.to_owned());
    Ok(Some(match name {
        "legal_name" => mask::set(new.legal_name.clone(), |facts| &mut facts.legal_name),
        "registration_number" => {
            mask::set(given(&new.registration_number), |facts| &mut facts.registration_number)
        }
        "address" => {
            let address = field::required(new.address.clone())?;
            mask::set(address.into(), |facts| &mut facts.address)
        }
        "vat_number" => mask::set(given(&new.vat_number), |facts| &mut facts.vat_number),
        "iban" => mask::set(given(&new.iban), |facts| &mut facts.iban),
        "email" => mask::set(given(&new.email), |facts| &mut facts.email),
        "language" => {
            let language = field::one_of::<v1::Language>(new.language)?;
            mask::set(language, |facts| &mut facts.language)
        }
        "small_business" => mask::set(new.small_business, |facts| &mut facts.small_business),
        "issue_zero_invoices" => {
            mask::set(new.issue_zero_invoices, |facts| &mut facts.issue_zero_invoices)
        }
        "invoice_prefix" => {
            mask::set(new.invoice_prefix.clone(), |facts| &mut facts.invoice_prefix)
        }
        "credit_note_prefix" => {
            mask::set(new.credit_note_prefix.clone(), |facts| &mut facts.credit_note_prefix)
        }
        "number_pattern" => {
            mask::set(new.number_pattern.clone(), |facts| &mut facts.number_pattern)
        }
        "default_payment_terms_days" => {
            let days = field::count(field::required(new.default_payment_terms_days)?)?;
            mask::set(days, |facts| &mut facts.payment_terms_days)
        }
        "draft_grace_days" => {
            let days = field::count(new.draft_grace_days)?;
            mask::set(days, |facts| &mut facts.draft_grace_days)
        }
        "payout_day" => {
            let day = field::count(new.payout_day)?;
            mask::set(day, |facts| &mut facts.payout_day)
        }
        "minimum_payout" => {
            let minimum = minimum_payout(new.minimum_payout.as_ref())?;
            mask::set(minimum, |facts| &mut facts.minimum_payout)
        }
        "pre_notification_days" => {
            let days = field::count(field::required(new.pre_notification_days)?)?;
            mask::set(days, |facts| &mut facts.pre_notification_days)
        }
        "account_codes" => {
            let codes = account_codes(&new.account_codes)?;
            mask::set(codes, |facts| &mut facts.account_codes)
        }
        _ => return Ok(None),
    }))
}

impl From<Organization> for v1::Organization {
    fn from(organization: Organization) -> Self {
        let own_code = |(account, code): (Account, &str)| v1::AccountCode {
            account: account.as_str().to_owned(),
            code: code.to_owned(),
        };
        Self {
            account_codes: organization.chart.own_codes().map(own_code).collect(),
            id: organization.id.to_string(),
            kind: code::<v1::OrganizationKind>(organization.kind),
            legal_name: organization.legal_name,
            registration_number: organization.registration_number.unwrap_or_default(),
            address: Some(organization.address.into()),
            vat_number: organization.vat_number.unwrap_or_default(),
            iban: organization.iban.unwrap_or_default(),
            email: organization.email.unwrap_or_default(),
            default_currency: organization.default_currency.code().to_owned(),
            time_zone: organization.time_zone.name().to_owned(),
            language: code::<v1::Language>(organization.language),
            small_business: organization.small_business,
            issue_zero_invoices: organization.issue_zero_invoices,
            invoice_prefix: organization.invoice_prefix,
            credit_note_prefix: organization.credit_note_prefix,
            number_pattern: organization.number_pattern.to_string(),
            default_payment_terms_days: Some(wire::count(organization.payment_terms_days)),
            draft_grace_days: wire::count(organization.draft_grace_days),
            payout_day: wire::count(organization.payout_day),
            minimum_payout: Some(organization.minimum_payout.into()),
            pre_notification_days: Some(wire::count(organization.pre_notification_days)),
        }
    }
}

#[cfg(test)]
#[path = "organization_tests.rs"]
mod tests;
