//! The parts of a node, put together once and shared by every use case.

use std::ops::Deref;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use cardea_connect::{Mail, Outside};
use cardea_model::catalogue::Catalogue;
use cardea_model::id::{NodeId, RequestId};
use cardea_model::{Caller, Clock, Random};
use cardea_store::db::{Db, DbError};
use cardea_store::setting;
use cardea_tokens::certificate::Authority;
use cardea_tokens::hash::base64url;
use cardea_tokens::pepper::Peppers;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Ctx;
use crate::feed::Follower;
use crate::leaks::github::KeyCache;
use crate::mail::Post;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::oauth::keyring::Ring;
use crate::password::Passwords;
use crate::pause::Pause;
use crate::provisioning::{Rates, Scans};
use crate::saml::Saml;
use crate::settings::Settings;
use crate::tries::Tries;
use crate::{audit, catalogue, feed, jobs, mail, usage};

/// The names of the settings that hold the peppers' fingerprints, before the version.
pub(crate) const PEPPER: &str = "pepper.";

/// A node. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What a node is made of.
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// What secrets are hashed and sealed with.
    pub peppers: Peppers,
    /// Services, roles and scopes.
    pub catalogue: Arc<Catalogue>,
    /// Its digest, see [`catalogue::digest`].
    pub catalogue_digest: String,
    /// The way out, to identity providers.
    pub outside: Outside,
    /// The way out, to people.
    pub post: Post,
    /// What the operator decided.
    pub settings: Settings,
    memory: ArcSwap<Memory>,
    /// How fresh that is.
    pub feed: Follower,
    /// Where a test holds a use case up; nowhere otherwise.
    pub pause: Arc<dyn Pause>,
    /// The one queue of password hashing.
    pub passwords: Passwords,
    /// How often each directory asks.
    pub directory_rates: Rates,
    /// Which directories look through all their records.
    pub scans: Scans,
    /// How often sign-ins are tried.
    pub tries: Tries,
    /// What is counted.
    pub metrics: Metrics,
    /// The keys that sign, once somebody has asked for them.
    pub(crate) ring: ArcSwapOption<Ring>,
    /// The keys with which GitHub signs its reports.
    pub(crate) github: KeyCache,
    /// What it keeps for signing in with SAML.
    pub(crate) saml: Saml,
    /// The authority that vouches for them before registries, once somebody has asked for it.
    pub(crate) registry_root: ArcSwapOption<Authority>,
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What has to be given to a node.
pub struct Given {
    /// An open and migrated database.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// What secrets are hashed and sealed with.
    pub peppers: Peppers,
    /// Services, roles and scopes.
    pub catalogue: Arc<Catalogue>,
    /// The way out.
    pub outside: Outside,
    /// The way out for mail.
    pub mail: Mail,
    /// What the operator decided.
    pub settings: Settings,
    /// Where a test holds a use case up.
    pub pause: Arc<dyn Pause>,
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database does not answer.
    #[error("the database did not answer")]
    Database(#[from] DbError),
    /// The pepper file is not the one with which this database's secrets were hashed.
    #[error("the pepper file is not the one that this database was made with; put the right file back")]
    OtherPepper,
}

impl App {
    /// Puts a node together and checks that its pepper is the database's.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(given: Given) -> Result<Self, StartError> {
        let Given { db, clock, random, peppers, catalogue, outside, mail, settings, pause } = given;
        let mut tx = db.write().await?;
        for (version, fingerprint) in peppers.fingerprints() {
            let fingerprint = base64url(&fingerprint);
            let stored = setting::claim(&mut tx, &format!("{PEPPER}{version}"), &fingerprint).await?;
            if stored != fingerprint {
                return Err(StartError::OtherPepper);
            }
        }
        tx.commit().await?;
        let node = NodeId::new(clock.now(), &*random);
        let passwords = Passwords::new(settings.hashers, settings.hash_queue);
        Ok(Self(Arc::new(Parts {
            db,
            clock,
            random,
            peppers,
            catalogue_digest: catalogue::digest(&catalogue),
            catalogue,
            outside,
            post: Post::new(mail),
            settings,
            memory: ArcSwap::default(),
            feed: Follower::new(node),
            pause,
            passwords,
            directory_rates: Rates::default(),
            scans: Scans::default(),
            tries: Tries::default(),
            metrics: Metrics::default(),
            ring: ArcSwapOption::empty(),
            github: KeyCache::default(),
            saml: Saml::default(),
            registry_root: ArcSwapOption::empty(),
        })))
    }

    /// What this node knows without asking.
    #[must_use]
    pub fn memory(&self) -> Guard<Arc<Memory>> {
        self.memory.load()
    }

    /// Puts a memory that was filled from the beginning in the place of the one that stands.
    pub(crate) fn replace_memory(&self, fresh: Arc<Memory>) {
        self.memory.store(fresh);
    }

    /// A context for a caller, now.
    #[must_use]
    pub fn ctx(&self, caller: Caller) -> Ctx {
        let now = self.clock.now();
        Ctx { caller, now, request: RequestId::new(now, &*self.random), ip: None }
    }

    /// Fills memory and starts what runs beside the requests; all of it ends, and has written what it holds, after `stop`.
    ///
    /// # Errors
    /// The database's.
    pub async fn start(&self, stop: &CancellationToken) -> Result<JoinSet<()>, DbError> {
        catalogue::note_change(self).await?;
        feed::announce(self).await?;
        feed::begin(self).await?;
        feed::follow(self).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(feed::run(self.clone(), stop.clone()));
        tasks.spawn(feed::beat(self.clone(), stop.clone()));
        tasks.spawn(jobs::run(self.clone(), stop.clone()));
        tasks.spawn(mail::run(self.clone(), stop.clone()));
        tasks.spawn(audit::run(self.clone(), stop.clone()));
        tasks.spawn(usage::run(self.clone(), stop.clone()));
        Ok(tasks)
    }

    /// Whether this node may answer: its memory is fresh.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.feed.is_fresh(self.clock.monotonic(), self.settings.bound)
    }
}
