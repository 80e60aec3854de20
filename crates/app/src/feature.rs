//! Features: wished, assessed, voted for, built, released, retired; and sold by prices.
//!
//! Purpose: the life of a feature, and the list of what is to be built.
//!
//! Invariants: whoever changes a feature, gives it a price or invests in it holds its row first. A
//! feature with a price is one to whose sale all its investors have consented.
//!
//! Deliberately absent: what is invested in it ([`crate::investment`]).

use std::collections::BTreeSet;

use domain::Outcome;
use domain::date::Date;
use domain::feature::{Assessment, Feature, FeatureRefused, FeatureState, Rating};
use domain::id::{CustomerId, FeatureId};
use domain::organization::{MAX_NAME, text};
use domain::plan::Price;

use crate::Scope;
use crate::access::id_taken;
use crate::customer::{self, MAX_NOTE};
use crate::error::{Error, Expect, Field, Refusal};
use crate::investment;
use crate::organization::optional;
use crate::page::{Page, PageRequest};

/// The longest description, in characters: a page.
pub const MAX_DESCRIPTION: usize = 4_000;

/// What makes a wish.
#[derive(Debug, Clone)]
pub struct SubmitFeature {
    /// Its id; a fresh one when absent.
    pub id: Option<FeatureId>,
    /// As people name it.
    pub title: String,
    /// What it is to do.
    pub description: String,
    /// Who wishes it; nobody: the vendor itself.
    pub requested_by: Option<CustomerId>,
}

/// What is said about a wish.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It is worth something to others.
    Accept {
        /// What it is worth: 1 to 10.
        value: u32,
        /// What it takes to build: 1 to 10.
        complexity: u32,
        /// A remark.
        note: Option<String>,
    },
    /// It is worth nothing to others.
    Decline {
        /// Why.
        reason: String,
    },
}

/// The refusal of something about a feature.
pub(crate) fn refused(refused: &FeatureRefused, id: FeatureId) -> Error {
    let refusal = Refusal::new(refused.reason(), refused).with("feature_id", id);
    Error::Refused(match refused {
        FeatureRefused::Rating { .. } | FeatureRefused::OwnWish => refusal,
        FeatureRefused::AlreadyAssessed { state }
        | FeatureRefused::Closed { state }
        | FeatureRefused::NotAccepted { state }
        | FeatureRefused::NotFunded { state }
        | FeatureRefused::NotInDevelopment { state }
        | FeatureRefused::NotForSale { state } => refusal.with("state", state),
        FeatureRefused::InvestmentOpen { id }
        | FeatureRefused::PrincipalOpen { id }
        | FeatureRefused::ConsentMissing { id } => refusal.with("investment_id", id),
        FeatureRefused::CurrencyDiffers { currency, .. } => refusal.with("currency", currency),
    })
}

/// Writes a wish down.
///
/// # Errors
/// [`Error::NotFound`] for the customer, [`Error::Invalid`]; [`Error::Exists`] with `ID_TAKEN`.
pub async fn submit(scope: &mut Scope, command: SubmitFeature) -> Result<Feature, Error> {
    let SubmitFeature { id, title, description, requested_by } = command;
    if let Some(customer) = requested_by {
        customer::get(scope, customer).await?;
    }
    let feature = Feature {
        id: id.unwrap_or_else(|| FeatureId::fresh(scope.now)),
        title: text(&title, MAX_NAME).field("title")?,
        description: text(&description, MAX_DESCRIPTION).field("description")?,
        requested_by,
        state: FeatureState::Submitted,
        rating: None,
        votes: 0,
        note: None,
        currency: None,
        submitted_on: scope.today(),
        assessed_on: None,
        started_on: None,
        released_on: None,
        retired_on: None,
        owned_on: None,
    };
    match store::feature::insert(&mut scope.tx, &feature, scope.now).await {
        Ok(()) => Ok(feature),
        Err(store::Error::Exists(_)) => Err(id_taken("feature", feature.id)),
        Err(other) => Err(other.into()),
    }
}

/// A feature.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(scope: &mut Scope, id: FeatureId) -> Result<Feature, Error> {
    store::feature::get(&mut scope.tx, id).await.or_missing("feature", id)
}

/// Features in the order in which there is something to do about them.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    state: Option<FeatureState>,
    page: &PageRequest,
) -> Result<Page<Feature>, Error> {
    let filters = format!("{state:?}");
    let after = page.after(scope, "features", filters.as_bytes()).await?.map(FeatureId);
    let rows = store::feature::list(&mut scope.tx, state, after, page.limit() + 1).await?;
    page.finish(scope, "features", filters.as_bytes(), rows, |one| one.id.0).await
}

/// A feature that is held until the end of the transaction, and the day after the wait for it.
pub(crate) async fn held(scope: &mut Scope, id: FeatureId) -> Result<(Feature, Date), Error> {
    let feature = store::feature::lock(&mut scope.tx, id).await.or_missing("feature", id)?;
    scope.refresh().await?;
    Ok((feature, scope.today()))
}

async fn save(
    scope: &mut Scope,
    feature: &Feature,
    outcome: Result<Outcome<()>, FeatureRefused>,
) -> Result<(), Error> {
    match outcome.map_err(|why| refused(&why, feature.id))? {
        Outcome::Applied(()) => Ok(store::feature::save(&mut scope.tx, feature).await?),
        Outcome::Unchanged => Ok(()),
    }
}

/// Says whether a wish is worth anything to others. The same again changes nothing.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Refused`] with `ALREADY_ASSESSED`.
pub async fn assess(scope: &mut Scope, id: FeatureId, said: Verdict) -> Result<Feature, Error> {
    let note = |note: &str| text(note, MAX_NOTE);
    let assessment = match said {
        Verdict::Accept { value, complexity, note: remark } => Assessment::Accept {
            rating: Rating::new(value, complexity)
                .map_err(|(name, refused)| Error::invalid(format!("accept.{name}"), refused))?,
            note: optional(remark, "accept.note", note)?,
        },
        Verdict::Decline { reason } => {
            Assessment::Decline { reason: note(&reason).field("decline.reason")? }
        }
    };
    let (mut feature, today) = held(scope, id).await?;
    let outcome = feature.assess(assessment, today);
    save(scope, &feature, outcome).await?;
    Ok(feature)
}

/// Another customer wants it too. Twice counts once.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `OWN_WISH` or `FEATURE_CLOSED`.
pub async fn vote(
    scope: &mut Scope,
    id: FeatureId,
    customer: CustomerId,
) -> Result<Feature, Error> {
    customer::get(scope, customer).await?;
    let (mut feature, today) = held(scope, id).await?;
    feature.check_vote(customer).map_err(|why| refused(&why, id))?;
    if store::feature::vote(&mut scope.tx, id, customer, today).await? {
        feature.count_vote();
        store::feature::save(&mut scope.tx, &feature).await?;
    }
    Ok(feature)
}

/// Its development begins. Doing it again changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `FEATURE_NOT_FUNDED` or `FEATURE_CLOSED`.
pub async fn start(scope: &mut Scope, id: FeatureId) -> Result<Feature, Error> {
    let (mut feature, today) = held(scope, id).await?;
    let outcome = feature.start(today);
    save(scope, &feature, outcome).await?;
    Ok(feature)
}

/// It is there. Doing it again changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `FEATURE_NOT_FUNDED`, `NOT_IN_DEVELOPMENT` or
/// `FEATURE_CLOSED`.
pub async fn release(scope: &mut Scope, id: FeatureId) -> Result<Feature, Error> {
    let (mut feature, today) = held(scope, id).await?;
    let outcome = feature.release(today);
    save(scope, &feature, outcome).await?;
    Ok(feature)
}

/// It is there no more. Doing it again changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `FEATURE_NOT_ACCEPTED`, `INVESTMENT_OPEN` or
/// `PRINCIPAL_OPEN`.
pub async fn retire(scope: &mut Scope, id: FeatureId) -> Result<Feature, Error> {
    let (mut feature, today) = held(scope, id).await?;
    let investments = store::investment::of_features(&mut scope.tx, &[id]).await?;
    let unpaid = investment::unpaid(scope, &investments).await?;
    let outcome = feature.retire(&investments, &unpaid, today);
    save(scope, &feature, outcome).await?;
    Ok(feature)
}

/// Sells features by prices to be: each may be sold, in its currency. `prices` are those of a
/// version, in its order.
///
/// # Errors
/// [`Error::Invalid`] names the price whose feature does not exist; [`Error::Refused`] with
/// `FEATURE_NOT_FOR_SALE`, `CONSENT_MISSING` or `CURRENCY_DIFFERS`.
pub(crate) async fn sell(scope: &mut Scope, prices: &[Price]) -> Result<(), Error> {
    let ids: BTreeSet<FeatureId> = prices.iter().filter_map(|price| price.feature_id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<FeatureId> = ids.into_iter().collect();
    let mut features = store::feature::lock_many(&mut scope.tx, &ids).await?;
    let investments = store::investment::of_features(&mut scope.tx, &ids).await?;
    for (at, price) in prices.iter().enumerate() {
        let Some(id) = price.feature_id else { continue };
        let feature = features.iter_mut().find(|feature| feature.id == id).ok_or_else(|| {
            let message = format!("feature {id} does not exist");
            Error::invalid(format!("version.prices[{at}].feature_id"), message)
        })?;
        let own: Vec<_> = investments.iter().filter(|one| one.feature_id == id).cloned().collect();
        feature.check_sale(&own).map_err(|why| refused(&why, id))?;
        let outcome = feature.settle_on(price.currency);
        save(scope, feature, outcome).await?;
    }
    Ok(())
}
