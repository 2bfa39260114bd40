//! A place that takes a token: how a good one is made, and what it means that one was taken.

use std::pin::Pin;

use journeys::attacks::{Seal, Token, twin};

use crate::wire::Verdict;

/// The other signature of the same words.
pub(crate) const TWIN: &str = "the twin of its signature";

/// A good message.
pub(crate) trait Good: 'static {
    /// Its text.
    fn compact(&self) -> &str;
}

impl Good for Token {
    fn compact(&self) -> &str {
        &self.compact
    }
}

impl Good for Seal {
    fn compact(&self) -> &str {
        &self.compact
    }
}

/// A place.
pub(crate) struct Place<T> {
    name: &'static str,
    way: Box<dyn Way<T>>,
    by_design: &'static [&'static str],
    spared: &'static [&'static str],
    covers: Option<&'static str>,
}

type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

trait Way<T> {
    fn good(&self) -> Soon<'_, T>;
    fn present<'a>(&'a self, good: &'a T, message: &'a str) -> Soon<'a, Verdict>;
}

struct Pair<G, P>(G, P);

impl<T, G: AsyncFn() -> T, P: AsyncFn(&T, &str) -> Verdict> Way<T> for Pair<G, P> {
    fn good(&self) -> Soon<'_, T> {
        Box::pin((self.0)())
    }

    fn present<'a>(&'a self, good: &'a T, message: &'a str) -> Soon<'a, Verdict> {
        Box::pin((self.1)(good, message))
    }
}

impl<T: Good> Place<T> {
    /// A place whose good messages `good` makes, each time a fresh one, and that takes a message by `present`.
    pub(crate) fn new<G, P>(name: &'static str, good: G, present: P) -> Self
    where
        G: AsyncFn() -> T + 'static,
        P: AsyncFn(&T, &str) -> Verdict + 'static,
    {
        Self {
            name,
            way: Box::new(Pair(good, present)),
            by_design: &[],
            spared: &[],
            covers: None,
        }
    }

    /// Names attacks that are none here either, and are not tried: what they do is done once for a person.
    pub(crate) fn sparing(self, spared: &'static [&'static str]) -> Self {
        Self { spared, ..self }
    }

    /// Whether the place is spared this.
    pub(crate) fn is_spared(&self, attack: &str) -> bool {
        self.spared.contains(&attack)
    }

    /// Names what it takes as the documents do (`METHOD path member`), where the message goes there by no socket.
    pub(crate) fn covering(self, member: &'static str) -> Self {
        let covers = Some(member);
        Self { covers, ..self }
    }

    /// Names the attacks that are none here, since a standard says so.
    pub(crate) fn taking(self, by_design: &'static [&'static str]) -> Self {
        Self { by_design, ..self }
    }

    pub(crate) fn covers(&self) -> Option<&'static str> {
        self.covers
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// A good message, fresh.
    pub(crate) async fn good(&self) -> T {
        self.way.good().await
    }

    /// What comes of a message in the place of the good one.
    pub(crate) async fn present(&self, good: &T, message: &str) -> Verdict {
        self.way.present(good, message).await
    }

    /// Whether the place takes this by design: a name, or the beginning of names where a `*` stands at its end.
    pub(crate) fn takes_by_design(&self, attack: &str) -> bool {
        self.by_design.iter().any(|name| match name.strip_suffix('*') {
            Some(beginning) => attack.starts_with(beginning),
            None => attack == *name,
        })
    }

    /// Shows that the harness sees it when a message is taken, and gives back that message.
    pub(crate) async fn control(&self) -> T {
        let good = self.good().await;
        let verdict = self.present(&good, good.compact()).await;
        assert!(
            matches!(verdict, Verdict::Accepted),
            "{}: the unaltered message: {verdict:?}",
            self.name
        );
        good
    }
}

impl Place<Token> {
    /// What is wrong with what comes of the message that was just taken, under the other signature that its words have: it
    /// is not taken again; or where it is, that is by design, and a signature is not what makes it single.
    pub(crate) async fn takes_a_twin_of(&self, good: &Token) -> Option<String> {
        // A tag has no twin, and neither has a signature of SM2.
        if good.header["alg"] != "ES256" {
            return None;
        }
        let verdict = self.present(good, &twin(&good.compact)).await;
        let taken = matches!(verdict, Verdict::Accepted);
        (taken != self.takes_by_design(TWIN)).then(|| format!("{}: {verdict:?}", self.name))
    }
}
