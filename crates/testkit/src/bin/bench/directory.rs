//! A directory at work: creating people and deactivating them, each answer after its durable commit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_testkit::Engine;
use cardea_testkit::world::DIRECTORY_TOKEN;
use serde_json::{Value, json};

use crate::loader::{self, Script};
use crate::process::{Child, Meter, Used};
use crate::report::{Mark, Report, float, median, rounded};
use crate::scene::Scene;

/// How many requests a directory has on the way at once.
const CONNECTIONS: usize = 8;
const PEOPLE: usize = 10_000;
const ROUNDS: usize = 3;
const LONGEST: Duration = Duration::from_secs(300);

/// Creates person after person and keeps their ids.
struct Create {
    round: usize,
    ids: Mutex<Vec<String>>,
}

impl Script for Create {
    fn write(&self, number: usize, request: &mut Vec<u8>) -> bool {
        request.extend(creation(self.round, number).bytes());
        number < PEOPLE
    }

    fn read(&self, _: usize, status: u16, body: &[u8]) -> Result<()> {
        ensure!(status == 201, "a person was not created: {status} {}", String::from_utf8_lossy(body));
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).push(id_of(body)?);
        Ok(())
    }
}

/// Deactivates one after the other, as Okta does.
struct Deactivate {
    ids: Vec<String>,
}

impl Script for Deactivate {
    fn write(&self, number: usize, request: &mut Vec<u8>) -> bool {
        let Some(id) = self.ids.get(number) else { return false };
        request.extend(deactivation(id).bytes());
        true
    }

    fn read(&self, _: usize, status: u16, body: &[u8]) -> Result<()> {
        let answer: Value = serde_json::from_slice(body)?;
        ensure!(
            status == 200 && answer.get("active") == Some(&Value::Bool(false)),
            "a person was not deactivated: {status} {answer}"
        );
        Ok(())
    }
}

/// The request by which Okta deactivates.
pub(crate) fn deactivation(id: &str) -> String {
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "value": {"active": false}}]});
    scim("PATCH", &format!("/scim/v2/Users/{id}"), &body)
}

/// The request by which Okta creates somebody.
pub(crate) fn creation(round: usize, number: usize) -> String {
    let name = format!("person-{round}-{number}@corp.example");
    let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
        "externalId": format!("00u{round}x{number}"), "displayName": format!("Person {number}"),
        "name": {"givenName": "Person", "familyName": number.to_string()},
        "emails": [{"primary": true, "value": name, "type": "work"}], "locale": "en-US", "active": true});
    scim("POST", "/scim/v2/Users", &body)
}

/// The id of the person in an answer.
pub(crate) fn id_of(body: &[u8]) -> Result<String> {
    let answer: Value = serde_json::from_slice(body)?;
    Ok(answer.get("id").and_then(Value::as_str).context("no id")?.to_owned())
}

fn scim(method: &str, path: &str, body: &Value) -> String {
    let headers = format!("authorization: Bearer {DIRECTORY_TOKEN}\r\ncontent-type: application/scim+json\r\n");
    loader::request(method, path, &headers, &body.to_string())
}

struct Round {
    rate: f64,
    used: Used,
}

async fn round(child: &Child, script: Arc<impl Script>) -> Result<Round> {
    let meter = Meter::start(child)?;
    let answered = loader::run(child.address, CONNECTIONS, LONGEST, script).await?;
    let used = meter.stop()?;
    ensure!(answered == PEOPLE, "{answered} of {PEOPLE} were answered");
    Ok(Round { rate: float(answered) / used.wall, used })
}

/// Measures on both engines.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let scene = Scene::new(engine, 0).await?;
        let child = scene.serve("one")?;
        let (mut creates, mut patches) = (Vec::new(), Vec::new());
        for number in 0..ROUNDS {
            let create = Arc::new(Create { round: number, ids: Mutex::default() });
            creates.push(round(&child, Arc::clone(&create)).await?);
            let ids = std::mem::take(&mut *create.ids.lock().unwrap_or_else(PoisonError::into_inner));
            patches.push(round(&child, Arc::new(Deactivate { ids })).await?);
        }
        let (suffix, least) = match engine {
            Engine::Sqlite => ("sqlite", [Mark::AtLeast(3_500.0), Mark::AtLeast(4_000.0)]),
            Engine::Postgres => ("postgres", [Mark::None, Mark::None]),
        };
        for ((name, rounds), mark) in [("scim_create", creates), ("scim_deactivate", patches)].into_iter().zip(least) {
            tell(report, &format!("{name}_{suffix}"), engine, &rounds, mark);
        }
    }
    Ok(())
}

fn tell(report: &mut Report, name: &str, engine: Engine, rounds: &[Round], mark: Mark) {
    let of = |part: fn(&Round) -> f64| median(rounds.iter().map(part).collect());
    let durable = match engine {
        Engine::Sqlite => "synchronous=FULL",
        Engine::Postgres => "the tests' server: fsync=off, on the loader's core",
    };
    let stuck = engine == Engine::Sqlite && rounds.iter().all(|round| round.used.loader_was_the_bottleneck());
    let details = json!({"connections": CONNECTIONS, "requests": PEOPLE, "rounds": rounds.len(), "database": durable,
        "directory_rate": 0, "cpu_us_a_request": rounded(of(|round| 1e6 * round.used.server / float(PEOPLE))),
        "server_cpu": rounded(of(|round| round.used.server / round.used.wall)),
        "loader_cpu": rounded(of(|round| round.used.loader / round.used.wall)), "loader_was_the_bottleneck": stuck});
    report.figure(name, "requests/s", of(|round| round.rate), mark, &details);
}
