//! Health, as the gRPC health protocol asks for it.
//!
//! Purpose: the server as a whole (the empty name) and each of its services serve while the database
//! answers, and until a stop is asked for.
//!
//! Deliberately absent: asking the database; health of single services, which all need the same.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// The name under which the server as a whole is asked for.
const OVERALL: &str = "";

/// Follows the database until the stop, then says so and ends.
pub(crate) async fn follow(
    reporter: HealthReporter,
    services: &'static [&'static str],
    mut up: watch::Receiver<bool>,
    stop: CancellationToken,
) {
    loop {
        let answers = *up.borrow_and_update();
        tell(&reporter, services, answers).await;
        tokio::select! {
            () = stop.cancelled() => break,
            changed = up.changed() => match changed {
                Ok(()) => log(*up.borrow()),
                // Nobody asks the database any more: the process ends.
                Err(_) => break,
            },
        }
    }
    tell(&reporter, services, false).await;
}

fn log(answers: bool) {
    if answers {
        tracing::info!("the database answers again: serving");
    } else {
        tracing::warn!("the database does not answer: calls are refused until it does");
    }
}

/// Sets the status of the server and of every service.
pub(crate) async fn tell(reporter: &HealthReporter, services: &[&'static str], up: bool) {
    let status = if up { ServingStatus::Serving } else { ServingStatus::NotServing };
    for service in services.iter().copied().chain([OVERALL]) {
        reporter.set_service_status(service, status).await;
    }
}

#[cfg(test)]
mod tests {
    use tonic::Request;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_check_response::ServingStatus as Told;
    use tonic_health::pb::health_server::Health;
    use tonic_health::server::HealthService;

    use super::*;

    async fn told(health: &HealthService, service: &str) -> Told {
        let request = Request::new(HealthCheckRequest { service: service.to_owned() });
        health.check(request).await.unwrap().into_inner().status()
    }

    #[tokio::test]
    async fn health_follows_the_database_until_the_stop() {
        let reporter = HealthReporter::new();
        let health = HealthService::from_health_reporter(reporter.clone());
        let (database, up) = watch::channel(true);
        let stop = CancellationToken::new();
        static SERVICES: [&str; 2] = ["one", "two"];
        tell(&reporter, &SERVICES, true).await;
        let mut heard = up.clone();
        let following = tokio::spawn(follow(reporter, &SERVICES, up, stop.clone()));
        for answers in [false, true] {
            database.send_replace(answers);
            heard.changed().await.unwrap();
            let expected = if answers { Told::Serving } else { Told::NotServing };
            for service in ["", "one", "two"] {
                while told(&health, service).await != expected {
                    tokio::task::yield_now().await;
                }
            }
        }
        stop.cancel();
        following.await.unwrap();
        assert_eq!(told(&health, "").await, Told::NotServing);
        assert_eq!(told(&health, "one").await, Told::NotServing);
    }
}
