//! Accounts and what they have: made and entitled by operators, taken and handed on by people.

mod activations;
mod claims;
mod entitlements;
mod operators;
mod sign_up;

use anyhow::{Context as _, Result};
use cardea_gateway::accounts;
use cardea_model::Caller;
use cardea_testkit::{Answer, Browser, Node};
use reqwest::Method;
use serde_json::{Value, json};

/// A script of the operator's, with a token.
pub(crate) struct Operator {
    client: Browser,
    token: String,
}

impl Operator {
    pub(crate) async fn of(node: &Node) -> Result<Self> {
        let made = accounts::create_operator(&node.app, &node.app.ctx(Caller::System("test")), "ops").await?;
        Ok(Self { client: Browser::new(&node.url)?, token: made.reveal() })
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Answer> {
        Answer::read(self.client.request(method, path).bearer_auth(&self.token).json(body).send().await?).await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer> {
        Answer::read(self.client.request(Method::GET, path).bearer_auth(&self.token).send().await?).await
    }

    /// Gives an account a service.
    pub(crate) async fn entitle(&self, account: &str, service: &str, how: &Value) -> Result<Value> {
        let path = format!("/api/v1/accounts/{account}/entitlements/{service}");
        let answer = self.send(Method::PUT, &path, how).await?;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Ok(answer.json())
    }

    /// Offers a service to an address; returns the secret of the link.
    pub(crate) async fn offer(&self, service: &str, email: &str, transferable: bool) -> Result<String> {
        let wanted = json!({"service": service, "email": email, "transferable": transferable});
        let answer = self.send(Method::POST, "/api/v1/activations", &wanted).await?;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["secret"].as_str().map(str::to_owned).context("a secret")
    }

    /// What an account has: `service:state`.
    pub(crate) async fn entitlements(&self, account: &str) -> Result<Vec<String>> {
        let answer = self.get(&format!("/api/v1/accounts/{account}/entitlements")).await?;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let list = answer.json()["items"].as_array().cloned().context("a list")?;
        let word = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        Ok(list.iter().map(|item| format!("{}:{}", word(item, "service"), word(item, "state"))).collect())
    }
}

/// The status and the stable code of an answer.
fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

/// The same, as it is expected.
fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
