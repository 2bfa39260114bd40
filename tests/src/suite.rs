//! Which suite of algorithms a test's platform runs.

use cyberid_crypto::Suite;

/// By which any journey can be tried in the other suite.
const VARIABLE: &str = "JOURNEYS_SUITE";

/// The suite of every platform of which a test says nothing: what the variable `JOURNEYS_SUITE` says, else the first.
pub fn suite() -> Suite {
    chosen().unwrap_or_default()
}

/// What the variable says, if it says anything.
pub(crate) fn chosen() -> Option<Suite> {
    let said = std::env::var(VARIABLE).ok()?;
    Some(said.parse().expect("JOURNEYS_SUITE is nist or sm"))
}

/// Makes each of these journeys, functions of a suite, a test in each suite: `nist::` and `sm::`.
#[macro_export]
macro_rules! in_each_suite {
    ($($journey:ident),+ $(,)?) => {
        mod nist {
            $(#[tokio::test]
            async fn $journey() {
                super::$journey($crate::Suite::Nist).await;
            })+
        }

        mod sm {
            $(#[tokio::test]
            async fn $journey() {
                super::$journey($crate::Suite::Sm).await;
            })+
        }
    };
}
