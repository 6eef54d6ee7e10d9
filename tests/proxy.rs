//! A reverse proxy asks before it lets a request through: the proxy says what is asked, and never the request.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_testkit::{Answer, Browser, Engine, Node, NodeBuilder, World, stories};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::registry::{USER, free_address, service_key};

stories! {
    nginx_lets_through_whom_the_gateway_lets,
    a_proxy_is_told_whose_key_it_is,
    a_question_in_the_address_cannot_be_changed_by_a_header,
    a_proxy_that_sends_the_whole_request_is_answered_as_it_wants,
    a_bad_credential_is_401_and_a_missing_right_is_403,
}

/// The headers that say who it is.
const IDENTITY: [&str; 5] =
    ["x-cardea-key-id", "x-cardea-kind", "x-cardea-org", "x-cardea-user", "x-cardea-expires-at"];

const PULL: [(&str, &str); 4] = [
    ("x-cardea-service", "registry"),
    ("x-cardea-action", "download_container"),
    ("x-cardea-entity-type", "container"),
    ("x-cardea-entity", "acme/app"),
];

fn with(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

async fn ask(node: &Node, method: Method, path: &str, key: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    let request = Browser::new(&node.url)?.request(method, path).bearer_auth(key);
    Answer::read(with(request, headers).send().await?).await
}

fn identity(answer: &Answer) -> [String; 5] {
    IDENTITY.map(|name| answer.header(name).to_owned())
}

async fn a_proxy_is_told_whose_key_it_is(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let ana = world.sign_in("ana").await?;
    let me = ana.get("/api/v1/me").await?.json()["user"]["id"].as_str().context("an id")?.to_owned();
    let key = ana.make_key("laptop", &["registry"]).await?;
    let expires = ana.get(&format!("/api/v1/me/keys/{}", key.id)).await?.json()["expires_at"].clone();
    let expires = expires.as_str().context("an end")?.to_owned();
    // Whatever the request says of itself, and by whatever method it asks.
    let spoofed = IDENTITY.map(|name| (name, "somebody"));
    let expected = [key.id.clone(), "personal".to_owned(), "acme".to_owned(), me, expires];
    for method in [Method::GET, Method::POST, Method::DELETE, Method::HEAD, Method::OPTIONS] {
        let answer = ask(node, method, "/auth/check", &key.secret, &[&PULL[..], &spoofed].concat()).await?;
        assert_eq!((answer.status, &*answer.body, answer.header("cache-control")), (204, "", "no-store"));
        assert_eq!(identity(&answer), expected);
    }
    let by_name = Browser::new(&node.url)?.request(Method::GET, "/auth/check").basic_auth(USER, Some(&key.secret));
    assert_eq!(with(by_name, &PULL).send().await?.status(), 204);
    // A service key is nobody's and has no end: both are said, so that a proxy that copies them copies nothing else.
    let owner = world.sign_in_owner().await?;
    let robot = service_key(&owner, "robot", json!([{"service": "registry", "scopes": ["*"]}])).await?;
    let answer = ask(node, Method::GET, "/auth/check", &robot.secret, &PULL).await?;
    assert!(IDENTITY.iter().all(|name| answer.headers.contains_key(*name)), "{:?}", answer.headers);
    assert_eq!(identity(&answer), [&*robot.id, "service", "acme", "", ""]);
    Ok(())
}

/// As Traefik asks: it copies the headers of the request, so the address that it was given must stand above them.
async fn a_question_in_the_address_cannot_be_changed_by_a_header(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let owner = world.sign_in_owner().await?;
    let pull = |values: &[&str]| crate::registry::containers(values, &["download_container"]);
    let key = service_key(&owner, "robot", pull(&["acme/app"])).await?;
    let forwarded = [
        ("x-forwarded-method", "POST"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "shop.example"),
        ("x-forwarded-uri", "/v2/acme/other"),
    ];
    let address = |entity: &str| {
        format!("/auth/check?service=registry&action=download_container&entity_type=container&entity={entity}")
    };
    let copied = [&forwarded[..], &PULL].concat();
    assert_eq!(ask(node, Method::GET, &address("acme/app"), &key.secret, &copied).await?.status, 204);
    // The request would like to be about something that its key may.
    let refused = ask(node, Method::GET, &address("acme/other"), &key.secret, &copied).await?;
    assert_eq!((refused.status, refused.code().as_str()), (403, "entity_mismatch"));
    // Nor does a header add what the address leaves open.
    let open = "/auth/check?service=registry&action=download_container&entity=acme/app";
    let refused = ask(node, Method::GET, open, &key.secret, &copied).await?;
    assert_eq!((refused.status, refused.code().as_str()), (403, "entity_mismatch"));
    // What stands there twice is refused, in the address and in the headers.
    let twice = format!("{}&entity=acme/other", address("acme/app"));
    assert_eq!(ask(node, Method::GET, &twice, &key.secret, &[]).await?.code(), "question_twice");
    let headers = [&PULL[..], &[("x-cardea-entity", "acme/other")]].concat();
    assert_eq!(ask(node, Method::GET, "/auth/check", &key.secret, &headers).await?.code(), "question_twice");
    Ok(())
}

/// As Envoy asks: by the method of the request, with its path and query below the address, and only 200 is a yes.
async fn a_proxy_that_sends_the_whole_request_is_answered_as_it_wants(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    let inviting =
        "/auth/check/v2/acme/app?service=registry&action=download_container&entity_type=container&entity=acme/app";
    for (method, path) in [
        (Method::GET, "/auth/check/"),
        (Method::GET, "/auth/check/v2/"),
        (Method::PUT, "/auth/check/v2/acme/app/blobs?digest=sha256:1&service=catalog"),
        (Method::DELETE, inviting),
    ] {
        let answer = ask(node, method, path, &key.secret, &PULL).await?;
        assert_eq!((answer.status, answer.header("x-cardea-org")), (200, "acme"), "{path}");
    }
    // The request's own query is no question.
    let refused = ask(node, Method::GET, inviting, &key.secret, &[]).await?;
    assert_eq!((refused.status, refused.code().as_str()), (403, "unknown_service"));
    let other = [PULL[0], PULL[1], PULL[2], ("x-cardea-entity", "other/app")];
    assert_eq!(ask(node, Method::GET, inviting, &key.secret, &other).await?.status, 403);
    Ok(())
}

async fn a_bad_credential_is_401_and_a_missing_right_is_403(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    world.add_node(NodeBuilder::default().named("two")).await?;
    let [node, two] = world.nodes.as_slice() else { anyhow::bail!("two nodes") };
    let ana = world.sign_in("ana").await?;
    let (key, off) = (ana.make_key("laptop", &["registry"]).await?, ana.make_key("off", &["registry"]).await?);
    ana.send(Method::PATCH, &format!("/api/v1/me/keys/{}", off.id), &json!({"active": false})).await?;
    let session = ana.cookie("session").unwrap_or_default();
    for credential in
        ["", "x", &off.secret, &session, "cdap_000000000000_00000000000000000000000000000000000000000002JmOGF"]
    {
        // Even where there is no question: what is wrong with the key comes first.
        for headers in [&PULL[..], &[]] {
            let answer = ask(node, Method::GET, "/auth/check", credential, headers).await?;
            assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{credential}");
            assert!(answer.headers.contains_key("www-authenticate"));
            assert!(IDENTITY.iter().all(|name| !answer.headers.contains_key(*name)));
        }
    }
    let request = || anyhow::Ok(with(Browser::new(&node.url)?.request(Method::GET, "/auth/check"), &PULL));
    for request in [
        request()?,
        request()?.basic_auth("ana", Some(&key.secret)),
        request()?.bearer_auth(&key.secret).bearer_auth(&key.secret),
        request()?.header("authorization", &key.secret),
    ] {
        assert_eq!(request.send().await?.status(), 401);
    }
    for (changed, code) in [
        (("x-cardea-service", ""), "unknown_service"),
        (("x-cardea-service", "public_api_endpoints"), "unknown_action"),
        (("x-cardea-action", "nothing"), "unknown_action"),
        (("x-cardea-entity-type", "nothing"), "unknown_entity_type"),
        (("x-cardea-entity", ""), "entity_required"),
        (("x-cardea-entity", "acme/../app"), "bad_entity"),
        (("x-cardea-entity", "other/app"), "entity_mismatch"),
    ] {
        let headers = PULL.map(|part| if part.0 == changed.0 { changed } else { part });
        let answer = ask(node, Method::GET, "/auth/check", &key.secret, &headers).await?;
        assert_eq!((answer.status, answer.code().as_str()), (403, code), "{changed:?}");
    }
    let labels = [&PULL[..], &[("x-cardea-labels", "secret-sauce")]].concat();
    assert_eq!(ask(node, Method::GET, "/auth/check", &key.secret, &labels).await?.code(), "not_entitled");
    let many = [&PULL[..], &[("x-cardea-labels", "a,b,c,d,e,f,g,h,i")]].concat();
    assert_eq!(ask(node, Method::GET, "/auth/check", &key.secret, &many).await?.code(), "too_many_labels");
    let exposed = ask(node, Method::GET, &format!("/auth/check?key={}", key.secret), &key.secret, &PULL).await?;
    assert_eq!((exposed.status, exposed.code().as_str()), (400, "key_in_url"));
    // The door shuts, and every proxy keeps it shut.
    assert_eq!(ask(two, Method::GET, "/auth/check", &key.secret, &PULL).await?.status, 204);
    let owner = world.sign_in_owner().await?;
    let shut = owner.send(Method::POST, "/api/v1/orgs/acme/users/ana@corp.example/deactivate", &json!({})).await?;
    assert_eq!(shut.status, 200, "{}", shut.body);
    assert_eq!(ask(node, Method::GET, "/auth/check", &key.secret, &PULL).await?.status, 401);
    two.catch_up().await?;
    assert_eq!(ask(two, Method::GET, "/auth/check", &key.secret, &PULL).await?.status, 401);
    Ok(())
}

/// nginx on a free port with the configuration that the page for it shows, and behind it a service that says what it was
/// told. It ends with its handle.
async fn nginx(node: &Node, folder: &Path) -> Result<(Child, String)> {
    let page = include_str!("../docs/reverse-proxies.md");
    let shown = page.split("```nginx\n").nth(1).and_then(|rest| rest.split("```").next()).context("a configuration")?;
    let (front, behind) = (free_address().await?, free_address().await?);
    let ours = shown
        .replace("127.0.0.1:8080", &front)
        .replace("127.0.0.1:9000", &behind)
        .replace("http://127.0.0.1:8700", &node.url);
    let told = IDENTITY.map(|name| format!("{name}=$http_{}", name.replace('-', "_"))).join(" ");
    let here = folder.display();
    let temporary =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|kind| format!("{kind}_temp_path {here}/{kind};\n"));
    let whole = format!(
        "daemon off; master_process off; pid {here}/pid; error_log {here}/error.log;\nevents {{}}\nhttp {{\naccess_log off;\n{}\
         {ours}\nserver {{ listen {behind}; location / {{ return 200 \"{told} authorization=$http_authorization $request_method\"; }} }}\n}}\n",
        temporary.concat()
    );
    let configuration = folder.join("nginx.conf");
    fs::write(&configuration, whole)?;
    let program = ["nginx", "/usr/sbin/nginx"].into_iter().find_map(|program| {
        let errors = format!("{here}/start.log");
        let mut command = Command::new(program);
        command.arg("-c").arg(&configuration).arg("-p").arg(folder).arg("-e").arg(errors).kill_on_drop(true);
        command.spawn().ok()
    });
    let running = program.context("nginx is missing: run scripts/setup.sh test")?;
    let up = async {
        while TcpStream::connect(&front).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), up).await;
    ensure!(waited.is_ok(), "{}", fs::read_to_string(folder.join("start.log")).unwrap_or_default());
    Ok((running, format!("http://{front}")))
}

async fn nginx_lets_through_whom_the_gateway_lets(engine: Engine) -> Result<()> {
    let world = World::with(engine, NodeBuilder::default().on_real_time()).await?;
    let (node, folder) = (world.node(), tempfile::tempdir()?);
    let (_running, front) = nginx(node, folder.path()).await?;
    let owner = world.sign_in_owner().await?;
    let grants = json!([{"service": "public_api_endpoints", "entity_type": "endpoint", "entity_values": ["acme/llama"],
        "scopes": ["invoke_endpoint"]}]);
    let robot = service_key(&owner, "robot", grants).await?;
    let mine = owner.make_key("mine", &["public_api_endpoints"]).await?;
    let ana = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    // The request says that it is somebody else's, and asks something else.
    let spoofed = [&IDENTITY.map(|name| (name, "admin"))[..], &PULL[..], &[("x-cardea-labels", "x")]].concat();
    let through = async |method: Method, path: &str, key: &str| {
        let request = Browser::new(&front)?.request(method, path).bearer_auth(key);
        Answer::read(with(request, &spoofed).body("a body").send().await?).await
    };
    let passed = through(Method::POST, "/v1/acme/llama/chat", &robot.secret).await?;
    let told = format!(
        "x-cardea-key-id={} x-cardea-kind=service x-cardea-org=acme x-cardea-user= x-cardea-expires-at= authorization= POST",
        robot.id
    );
    assert_eq!((passed.status, passed.body), (200, told));
    let user = owner.get("/api/v1/me").await?.json()["user"]["id"].as_str().context("an id")?.to_owned();
    let passed = through(Method::GET, "/v1/acme/other/chat", &mine.secret).await?;
    assert!(passed.status == 200 && passed.body.contains(&format!("x-cardea-user={user} ")), "{}", passed.body);
    for (path, key, status) in [
        ("/v1/acme/other/chat", &*robot.secret, 403),
        ("/v1/other/llama/chat", &robot.secret, 403),
        ("/v1/acme/llama/chat", &ana.secret, 403),
        ("/v1/acme/llama/chat", "wrong", 401),
        ("/v1/acme/llama%26entity=x/chat", &robot.secret, 403),
        ("/v1/acme/llama%0D%0Ax-cardea-entity:%20acme/llama/chat", &robot.secret, 403),
        ("/_cardea", &robot.secret, 404),
    ] {
        let answer = through(Method::GET, path, key).await?;
        assert_eq!(answer.status, status, "{path}");
        assert!(!answer.body.contains("x-cardea-key-id"), "{}", answer.body);
    }
    let off = owner.send(Method::PATCH, &format!("/api/v1/me/keys/{}", mine.id), &json!({"active": false})).await?;
    assert_eq!((off.status, &off.json()["state"]), (200, &json!("disabled")));
    assert_eq!(through(Method::GET, "/v1/acme/other/chat", &mine.secret).await?.status, 401);
    assert_eq!(off.json().get("secret"), None::<&Value>);
    Ok(())
}
